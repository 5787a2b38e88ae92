"""The keeper of epochs: computes, proposes, watches, challenges, settles, makes final.

Whatever it decides follows from the chain's state and from what this node computed itself, so that
a restart forgets nothing and nothing is done twice: the contract takes one proposal, one challenge
and one settlement. It acts only on an index that the contracts agree with and that is deep enough.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import IntEnum

from eth_account import Account

from chainrep.chain.reputation_roots import EpochOnChain, EpochState, ReputationRoots, overtaken
from chainrep.errors import BondMissing, CallRefused, ChainrepError, ConfigError, QuorumNotMet
from chainrep.node.computed_epoch import ComputedEpoch
from chainrep.node.epoch_files import EpochFiles
from chainrep.node.epoch_reader import EpochReader
from chainrep.node.settler import Settler
from chainrep.protocol.epoch import epoch_at

LOOKS_PER_STEP = 32
"""Epochs asked about in one step: an open one may be proposed at any time, however old it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpochPolicy:
    """What the keeper may do.

    ``propose``: put up roots itself, and not only watch those of others. ``max_bonds`` is what its
    bonds may come to at any time, in wei; proposals leave one bond of it for a challenge. ``uri``
    is where others find this node; the proposal names its ratings there.
    """

    propose: bool
    max_bonds: int
    uri: str = ""


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """After one step: what was done, the bonds now at stake (wei), and whether it is at rest."""

    done: str
    epoch: int | None
    bonds: int
    at_rest: bool


class _Urgency(IntEnum):
    CHALLENGE, SETTLE, REOPEN, FINALIZE, KEEP, PROPOSE = range(6)


class EpochKeeper:
    """Looks after every epoch of one deployment, in the thread that opened the reader's store.

    ``private_key`` is of an account that nothing else sends from; without one the keeper computes
    and keeps epochs, tells of false roots, and sends nothing. Raises ConfigError for a limit under
    which a key could do nothing.
    """

    def __init__(
        self,
        roots: ReputationRoots,
        reader: EpochReader,
        files: EpochFiles,
        settler: Settler,
        private_key: bytes | None,
        policy: EpochPolicy,
    ) -> None:
        bond, wanted = roots.rules.bond, 2 if policy.propose else 1
        if private_key is not None and policy.max_bonds < wanted * bond:
            raise ConfigError(
                f"Bonds of {policy.max_bonds} wei are allowed, and {wanted} of {bond} wei are"
                " needed: proposals leave one for a challenge.",
                "Allow more with --max-bonds.",
            )
        self.address = str(Account.from_key(private_key).address) if private_key else ""
        self.policy = policy
        self._roots = roots
        self._reader = reader
        self._files = files
        self._settler = settler
        self._key = private_key
        self._known: dict[int, EpochOnChain] = {}
        self._decided: set[int] = set()
        self._told: set[tuple[int, str]] = set()
        self._next_look = 0

    def step(self) -> EpochProgress:
        """Look at some epochs, and do the most urgent thing that there is to do.

        Raises ChainError where the chain fails, StoreError where the store does, BondMissing and
        QuorumNotMet once nothing else is left to do; the chain's state then says what was done, and
        the next step goes on from there.
        """
        now = self._roots.client.now()
        swept = self._look(now)
        if not swept:
            return self._progress("", None, at_rest=False)
        trouble: ChainrepError | None = None
        dues = {epoch: self._due(found, now) for epoch, found in self._known.items()}
        ordered = sorted((due, -epoch) for epoch, due in dues.items() if due is not None)
        for urgency, negative in ordered:  # of the same urgency, the latest first
            epoch = -negative
            try:
                done = self._act(urgency, epoch, self._known[epoch])
            except CallRefused as refusal:
                if not overtaken(refusal):
                    raise
                _log.info("epoch %d has moved on: %s", epoch, refusal.summary)
                self._known[epoch], done = self._roots.epoch(epoch), ""
            except (QuorumNotMet, BondMissing) as error:
                trouble, done = error, ""  # told once all else is done
            if done:
                self._known[epoch] = self._roots.epoch(epoch)
                return self._progress(done, epoch, at_rest=False)
        if self._key is not None and self._roots.owed(self.address):
            self._roots.withdraw(self.address, self._key)
            return self._progress("withdrew what was owed", None, at_rest=False)
        if trouble is not None:
            raise trouble
        return self._progress("", None, at_rest=True)

    def _look(self, now: int) -> bool:
        """Ask about the next epochs in turn; False until each was asked about once.

        Before that it is not known how many bonds of ours are at stake. Final ones that are kept
        need no second look.
        """
        first, seconds = self._roots.first_epoch, self._roots.rules.epoch_seconds
        ended = range(first, epoch_at(now, seconds).number)
        unfinished = [e for e in reversed(ended) if not self._is_decided(e)]
        new = [epoch for epoch in unfinished if epoch not in self._known]
        moving = [
            epoch
            for epoch, found in self._known.items()
            if found.state in {EpochState.PENDING, EpochState.CHALLENGED}
        ]
        asked = new[:LOOKS_PER_STEP] or dict.fromkeys([*moving, *self._turn(unfinished)])
        for epoch in asked:
            self._known[epoch] = self._roots.epoch(epoch)
        for epoch in set(self._known) - set(unfinished):
            del self._known[epoch]
        return len(new) <= LOOKS_PER_STEP

    def _is_decided(self, epoch: int) -> bool:
        if epoch not in self._decided and self._files.decided(epoch):
            self._decided.add(epoch)
        return epoch in self._decided

    def _turn(self, epochs: list[int]) -> list[int]:
        if not epochs:
            return []
        at = self._next_look % len(epochs)
        self._next_look = at + LOOKS_PER_STEP
        return epochs[at : at + LOOKS_PER_STEP]

    def _act(self, urgency: _Urgency, epoch: int, found: EpochOnChain) -> str:
        """What was done about this epoch; nothing where something is missing for it."""
        if urgency is _Urgency.KEEP:
            return self._keep(epoch, found)
        if urgency is _Urgency.CHALLENGE:
            return self._challenge(epoch, found)
        return "" if self._key is None else self._send(urgency, epoch, found, self._key)

    def _send(self, urgency: _Urgency, epoch: int, found: EpochOnChain, key: bytes) -> str:
        match urgency:
            case _Urgency.SETTLE:
                return self._settle(epoch, found, key)
            case _Urgency.PROPOSE:
                return self._propose(epoch, key)
            case _Urgency.REOPEN:
                self._roots.reopen(epoch, key)
                return "opened again"
        self._roots.finalize(epoch, key)
        return "made final"

    def _due(self, found: EpochOnChain, now: int) -> _Urgency | None:
        """What is to be done next about an epoch in this state, at this time."""
        window_end = found.proposed_at + self._roots.rules.window
        settle_end = window_end + self._roots.rules.settle_time
        if found.state is EpochState.PENDING:
            return _Urgency.CHALLENGE if now < window_end else _Urgency.FINALIZE
        if found.state is EpochState.CHALLENGED:
            return _Urgency.SETTLE if now < settle_end else _Urgency.REOPEN
        if found.state is EpochState.FINAL:
            return _Urgency.KEEP
        return _Urgency.PROPOSE if self.policy.propose else None

    def _challenge(self, epoch: int, found: EpochOnChain) -> str:
        computed = self._reader.digests(epoch)
        if computed is None:
            self._tell(epoch, "its root is pending, and the index is not far enough to judge it")
            return ""
        if computed == (found.root, found.snapshot_hash):
            return ""
        if self._key is None:
            raise BondMissing(
                f"A false root of epoch {epoch} is pending, and this node has no key to challenge"
                " it with.",
                "Start it with `--epochs watch` and a key, before the window is over.",
            )
        if self._at_stake() + self._roots.rules.bond > self.policy.max_bonds:
            raise BondMissing(
                f"A false root of epoch {epoch} is pending, and --max-bonds allows no challenge.",
                "Start the node again with more, before the window is over.",
            )
        _log.error(
            "epoch %d: the pending root 0x%s is not 0x%s, which this node computed",
            epoch, found.root.hex(), computed[0].hex(),
        )  # fmt: skip
        self._check_balance()
        self._roots.challenge(epoch, found.root, self._key)
        return "challenged"

    def _settle(self, epoch: int, found: EpochOnChain, key: bytes) -> str:
        if not self._settler.can_settle():
            return ""
        computed = self._reader.digests(epoch)
        if computed is None:
            return ""
        signed = self._settler.sign(epoch, found, *computed)
        self._roots.settle(signed, key)
        return "settled"

    def _propose(self, epoch: int, key: bytes) -> str:
        if self._at_stake() + 2 * self._roots.rules.bond > self.policy.max_bonds:
            self._tell(epoch, "it has no root, and --max-bonds allows no proposal now")
            return ""
        computed = self._reader.compute(epoch)
        if computed is None:
            return ""
        self._files.keep_ratings(computed)
        uri = f"{self.policy.uri}/reputation/{epoch}/ratings" if self.policy.uri else ""
        self._check_balance()
        self._roots.propose(epoch, computed.root, computed.snapshot_hash, uri, key)
        return "proposed"

    def _keep(self, epoch: int, found: EpochOnChain) -> str:
        """Write down a final epoch once no reorganisation is expected to open it again."""
        if self._roots.confirmed_epoch(epoch, self._reader.confirmations) != found:
            return ""
        computed = self._reader.compute(epoch)
        if computed is None:
            return ""
        right = _same(computed, found)
        if not right:
            _log.error(
                "epoch %d: the FINAL root 0x%s is not 0x%s, which this node computed: no proof of"
                " this node holds in it",
                epoch, found.root.hex(), computed.root.hex(),
            )  # fmt: skip
        self._files.keep(computed, found.root, found.snapshot_hash)
        return "kept" if right else "kept, although another root is final"

    def _at_stake(self) -> int:
        """What our bonds come to, in wei."""
        return self._roots.rules.bond * sum(map(self._bonds_in, self._known.values()))

    def _bonds_in(self, found: EpochOnChain) -> int:
        if found.state not in {EpochState.PENDING, EpochState.CHALLENGED}:
            return 0
        return (found.proposer == self.address) + (found.challenger == self.address)

    def _check_balance(self) -> None:
        if self._roots.client.balance(self.address) <= self._roots.rules.bond:
            raise BondMissing(
                f"{self.address} has less than the bond of {self._roots.rules.bond} wei, and gas.",
                "Send it ether: false roots cannot be challenged without.",
            )

    def _tell(self, epoch: int, what: str) -> None:
        """Warn once of what keeps us from acting."""
        if (epoch, what) not in self._told:
            self._told.add((epoch, what))
            _log.warning("epoch %d: %s", epoch, what)

    def _progress(self, done: str, epoch: int | None, at_rest: bool) -> EpochProgress:
        if done:
            _log.info("%s", done, extra={"part": "epochs", "epoch": epoch})
        return EpochProgress(done, epoch, self._at_stake(), at_rest)


def _same(computed: ComputedEpoch, found: EpochOnChain) -> bool:
    return computed.root == found.root and computed.snapshot_hash == found.snapshot_hash
