"""Comparing the owners of sources that the index knows with what the registry itself says.

No rolling hash covers a change of owner, so a server could keep one back. A comparison in a block
holds for every rating up to that block; a source is asked about again only once it was rated later.
Anybody can have thousands of sources rated, so it is done in pieces, and no piece is done twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from chainrep.chain.event_log import block_head
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import ChainError, FalseAnswer
from chainrep.node.epoch_evidence import Owned
from chainrep.store.chain_index import Checkpoint

ASKED_AT_ONCE = 256
"""Sources asked about in one piece: seconds, where a server takes 50 ms for an answer."""
_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Check:
    """In this block the registry said the same as the index."""

    block: int
    owner: bytes
    rotations: int


class OwnerChecks:
    """What was compared; kept as long as the chain and the index still say the same."""

    def __init__(self, registry: SourceRegistry) -> None:
        self._registry = registry
        self._checks: dict[int, _Check] = {}
        self._blocks: dict[int, bytes] = {}
        self._generation = -1

    def unchecked(
        self, rated: Mapping[int, int], owners: Mapping[int, Sequence[Owned]]
    ) -> Sequence[int]:
        """Those of the rated sources (with the block of their last rating) that are to be asked."""
        return [s for s in owners if not self._holds(s, rated[s], owners[s])]

    def start(self, generation: int, known: Sequence[Checkpoint]) -> None:
        """Forget what was compared in blocks that may not be in the chain any more."""
        if generation == self._generation:
            return
        there = [c.block for c in known if self._blocks.get(c.block) == c.hash]
        sound = max(there, default=-1)  # what came before it is in the chain too
        self._checks = {s: c for s, c in self._checks.items() if c.block <= sound}
        self._blocks = {block: found for block, found in self._blocks.items() if block <= sound}
        self._generation = generation

    def compare(
        self, sources: Sequence[int], owners: Mapping[int, Sequence[Owned]], at: Checkpoint
    ) -> None:
        """Ask about some sources in the block at which the index ends.

        Nothing is noted where that block is not in the chain any more. Raises FalseAnswer for a
        source that the registry knows otherwise, and ChainError where the chain fails; what was
        answered until then is noted.
        """
        stated, failure = self._ask(sources, at.block)
        found = block_head(self._registry.client, at.block)
        if found is None or found.hash != at.hash:
            return
        self._blocks[at.block] = at.hash
        for source, (owner, rotations) in stated.items():
            known = owners[source][-1]
            _require_same(source, at.block, known, owner, rotations)
            self._checks[source] = _Check(at.block, owner, rotations)
        if failure is not None:
            raise failure

    def _ask(
        self, sources: Sequence[int], block: int
    ) -> tuple[Mapping[int, tuple[bytes, int]], ChainError | None]:
        """What the registry says until a question fails, and that failure.

        Nothing more is asked then; what other threads were told by then counts.
        """
        client, functions = self._registry.client, self._registry.contract.functions
        questions = [
            partial(functions.sourceOf(source).call, block_identifier=block) for source in sources
        ]
        stated: dict[int, tuple[bytes, int]] = {}
        failure: ChainError | None = None
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="owners") as pool:
            asked = [pool.submit(client.ask, question) for question in questions]
            wait(asked, return_when=FIRST_EXCEPTION)
            pool.shutdown(cancel_futures=True)
        for source, answer in zip(sources, asked, strict=True):
            if answer.cancelled():
                continue
            try:
                owner, _, _, rotations = answer.result()
            except ChainError as error:
                failure = failure or error
            else:
                stated[source] = bytes.fromhex(owner[2:]), rotations
        return stated, failure

    def _holds(self, source: int, rated: int, owned: Sequence[Owned]) -> bool:
        check = self._checks.get(source)
        if check is None or check.block < rated:
            return False
        then = next((each for each in reversed(owned) if each.block <= check.block), None)
        return then is not None and (then.owner, then.rotations) == (check.owner, check.rotations)


def _require_same(source: int, block: int, known: Owned, owner: bytes, rotations: int) -> None:
    if rotations != known.rotations:
        summary = (
            f"Source {source} changed hands {rotations} times up to block {block}, and the index"
            f" knows {known.rotations} of them."
        )
    elif owner != known.owner:
        summary = (
            f"Source {source} belongs to 0x{owner.hex()} in block {block}, and to"
            f" 0x{known.owner.hex()} in the index."
        )
    else:
        return
    raise FalseAnswer(
        summary,
        "A server kept an event back or forged one: give another URL with --rpc, and let the index"
        " be read anew.",
    )
