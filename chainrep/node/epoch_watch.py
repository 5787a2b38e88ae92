"""Which epochs are not decided yet, and what the contract says of them, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from chainrep.chain.reputation_roots import EpochOnChain, EpochState, ReputationRoots
from chainrep.errors import ChainrepError, ChainUnreachable
from chainrep.node.epoch_files import EpochFiles
from chainrep.protocol.epoch import epoch_at

LOOKS_PER_STEP = 32
"""Epochs asked about in one step: an open one may be proposed at any time, however old it is."""
MAX_EPOCHS = 1 << 17
"""Epochs looked after, the latest ones: fifteen years of hours."""
_UNDECIDED = frozenset({EpochState.PENDING, EpochState.CHALLENGED})


class EpochWatch:
    """The epochs of one deployment; ``known`` is what was last said of those asked about."""

    def __init__(self, roots: ReputationRoots, files: EpochFiles) -> None:
        self.known: dict[int, EpochOnChain] = {}
        self._roots = roots
        self._files = files
        self._unfinished: set[int] = set()
        self._finished: deque[int] = deque()
        self._listed = 0
        self._next_look = 0

    def look(self, now: int, troubles: list[ChainrepError]) -> bool:
        """Ask about the next epochs in turn; False until each was asked about once.

        Before that it is not known how many bonds of an account are at stake. Final ones that are
        kept need no second look. What fails for one epoch goes to ``troubles``; raises
        ChainUnreachable.
        """
        stop = epoch_at(now, self._roots.rules.epoch_seconds).number
        self._list(stop)
        unfinished = sorted((e for e in self._unfinished if e < stop), reverse=True)
        for epoch in self.known.keys() - set(unfinished):
            del self.known[epoch]
        new = [epoch for epoch in unfinished if epoch not in self.known]
        moving = [epoch for epoch, found in self.known.items() if found.state in _UNDECIDED]
        for epoch in new[:LOOKS_PER_STEP] or dict.fromkeys([*moving, *self._turn(unfinished)]):
            try:
                self.ask(epoch)
            except ChainUnreachable:
                raise
            except ChainrepError as error:
                troubles.append(error)
        return len(new) <= LOOKS_PER_STEP

    def ask(self, epoch: int) -> None:
        """Ask about an epoch now; one that cannot be read is not known any more."""
        self.known.pop(epoch, None)
        self.known[epoch] = self._roots.epoch(epoch)

    def forget(self, epochs: Iterable[int] | None) -> None:
        """Let these, or all, be asked about again before anything else is done."""
        for epoch in list(self.known) if epochs is None else epochs:
            self.known.pop(epoch, None)

    def finish(self, epoch: int) -> None:
        """Look no more at an epoch that is final and kept."""
        self._unfinished.discard(epoch)
        self._finished.append(epoch)
        self.known.pop(epoch, None)

    def bonds_of(self, account: str) -> int:
        """How many bonds of this account may be at stake: both, in an epoch that is not known."""
        known = (
            (found.proposer == account) + (found.challenger == account)
            for found in self.known.values()
            if found.state in _UNDECIDED
        )
        return sum(known) + 2 * len(self._unfinished - self.known.keys())

    def _list(self, stop: int) -> None:
        """Note the epochs that have ended since the last time, and those whose files are gone."""
        for _ in range(min(LOOKS_PER_STEP, len(self._finished))):
            self._sort_in(self._finished.popleft())
        for epoch in range(max(self._listed, self._roots.first_epoch, stop - MAX_EPOCHS), stop):
            self._sort_in(epoch)
        self._listed = max(self._listed, stop)

    def _sort_in(self, epoch: int) -> None:
        if self._files.decided(epoch):
            self._finished.append(epoch)
        else:
            self._unfinished.add(epoch)

    def _turn(self, epochs: list[int]) -> list[int]:
        if not epochs:
            return []
        at = self._next_look % len(epochs)
        self._next_look = at + LOOKS_PER_STEP
        return epochs[at : at + LOOKS_PER_STEP]
