"""Recomputing epochs from the index: only once it is whole and deep enough, and each only once."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from chainrep.chain.address_book import Deployment
from chainrep.chain.event_log import block_head, head_number
from chainrep.chain.reputation_roots import ReputationRoots
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import FalseAnswer
from chainrep.node.computed_epoch import ComputedEpoch, compute_epoch
from chainrep.node.epoch_evidence import (
    descending,
    epoch_ratings,
    owner_history,
    rated_sources,
    said_after,
    settled_checkpoint,
)
from chainrep.node.indexer import MAX_LAG
from chainrep.node.owner_checks import ASKED_AT_ONCE, OwnerChecks
from chainrep.protocol.epoch import Epoch
from chainrep.protocol.reputation_tree import TreeDomain
from chainrep.reputation.formula import Formula
from chainrep.reputation.ratings import Ratings
from chainrep.store.chain_index import ChainIndex, Checkpoint
from chainrep.store.db import store_failure
from chainrep.store.events import Events

KEPT = 4
"""Computed epochs kept in memory; 68 bytes an account, and 24 a rating."""
_READ_ANEW = "The index is read anew from there; give another URL with --rpc if it comes back."


@dataclass(frozen=True, slots=True)
class _Found:
    """What came out, and up to which block of which index nothing speaks against it."""

    generation: int
    block: int
    root: bytes
    snapshot_hash: bytes


class EpochReader:
    """Computes epochs of one deployment from its index, in the thread that opened ``db``.

    ``unchecked`` is how many sources the last call left to be compared with the registry: where it
    is not 0, call again.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        deployment: Deployment,
        roots: ReputationRoots,
        registry: SourceRegistry,
        formula: Formula,
        confirmations: int,
        threads: int = 1,
    ) -> None:
        self.formula = formula
        self._deployment = deployment
        self.read_from(db)
        self._roots = roots
        self._registry = registry
        self.confirmations = confirmations
        self._threads = threads
        self._owners = OwnerChecks(registry)
        self._kept: OrderedDict[int, ComputedEpoch] = OrderedDict()
        self._found: dict[int, _Found] = {}
        self.unchecked = 0

    def read_from(self, db: sqlite3.Connection) -> None:
        """Go on, in the thread that opened it, with another connection to the same store.

        What was computed and compared so far is kept.
        """
        self._db = db
        self._index = ChainIndex(db, self._deployment.ledger_id, self._deployment.indexed)
        self._events = Events(db, self._deployment.ledger_id)

    def digests(self, number: int) -> tuple[bytes, bytes] | None:
        """Root and snapshot hash of an epoch as of `compute`; remembered for any number of them."""
        if number in self._found:
            known, generation = self._view()
            if self._settled(known, number) is None:
                return None
            if (found := self._still(number, generation, known[0].block)) is not None:
                return found.root, found.snapshot_hash
        computed = self.compute(number)
        return None if computed is None else (computed.root, computed.snapshot_hash)

    def compute(self, number: int) -> ComputedEpoch | None:
        """The epoch, or None while it cannot be judged.

        That is while the index has not passed its end deeply enough, is behind the chain, or
        ``unchecked`` sources are left. Raises FalseAnswer where the index does not know the owner
        of a rated source as the registry does, which no rolling hash covers: the ratings would
        count for somebody else; and where a block's time, which is a server's word, cannot be
        true: then the index is read anew from there. Raises ChainError and StoreError.
        """
        self.unchecked = 0
        known, generation = self._view()
        settled = self._settled(known, number)
        if settled is None:
            return None
        if number in self._kept and self._still(number, generation, known[0].block) is not None:
            return self._kept[number]
        checked = self._checked_ratings(self._end(number), generation)
        if checked is None or not self._is_there(settled, known):
            return None
        ratings, block = checked
        kept = self._kept.get(number)
        if kept is None or not _same(kept.ratings, ratings):
            epoch = Epoch(number, self._roots.rules.epoch_seconds)
            kept = compute_epoch(epoch, ratings, self.formula, self._domain(number), self._threads)
        self._found[number] = _Found(generation, block, kept.root, kept.snapshot_hash)
        self._kept[number] = kept
        self._kept.move_to_end(number)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    def _end(self, number: int) -> int:
        return Epoch(number, self._roots.rules.epoch_seconds).end

    def _settled(self, known: Sequence[Checkpoint], number: int) -> Checkpoint | None:
        """The checkpoint after the epoch's end, if the index may be judged by at all."""
        lie = descending(known)
        if lie is not None:
            self._read_anew(known, lie)
            raise FalseAnswer(
                f"Block {lie.block} is later than a block after it, as servers said.", _READ_ANEW
            )
        head = head_number(self._registry.client)
        if not known or head - known[0].block >= self.confirmations + MAX_LAG:
            return None
        return settled_checkpoint(known, self._end(number), self.confirmations)

    def _is_there(self, settled: Checkpoint, known: Sequence[Checkpoint]) -> bool:
        """Whether the block is in the chain as it is now, with the time that the index has."""
        found = block_head(self._registry.client, settled.block)
        if found is None or found.hash != settled.hash:
            return False
        if found.time != settled.time:
            self._read_anew(known, settled)
            raise FalseAnswer(
                f"Block {settled.block} has two times, as servers said: {settled.time} and"
                f" {found.time}.",
                _READ_ANEW,
            )
        return True

    def _read_anew(self, known: Sequence[Checkpoint], lie: Checkpoint) -> None:
        sound = next((c for c in known if c.block < lie.block), None)
        self._index.roll_back(known[0], sound)

    def _still(self, number: int, generation: int, block: int) -> _Found | None:
        """What was found, unless the index has learned what speaks against it, up to this block."""
        found = self._found.get(number)
        if found is None or found.generation != generation:
            return None
        with self._snapshot():
            if said_after(self._events, found.block, self._end(number)):
                return None
        self._found[number] = replace(found, block=max(found.block, block))
        return found

    def _checked_ratings(self, end: int, generation: int) -> tuple[Ratings, int] | None:
        """The ratings once all owners are compared, and the block at which the index ended."""
        for _ in range(2):
            with self._snapshot():
                known = self._index.checkpoints()
                if self._generation() != generation or not known:
                    return None
                rated = rated_sources(self._events, end)
                owners = owner_history(self._events, rated)
                self._owners.start(generation, known)
                left = self._owners.unchecked(rated, owners)
                if not left:
                    return epoch_ratings(self._events, self.formula.seeds, end), known[0].block
            self.unchecked = len(left)
            self._owners.compare(left[:ASKED_AT_ONCE], owners, known[0])
            self.unchecked -= len(left[:ASKED_AT_ONCE])
            if self.unchecked:
                break
        return None

    def _domain(self, number: int) -> TreeDomain:
        place = self._roots.domain
        return TreeDomain(place.chain_id, place.contract, number, self._roots.rules.formula_hash)

    def _view(self) -> tuple[Sequence[Checkpoint], int]:
        """The checkpoints, newest first, and the generation that they belong to."""
        with self._snapshot():
            return self._index.checkpoints(), self._generation()

    def _generation(self) -> int:
        try:
            row = self._db.execute(
                "SELECT generation FROM indexed_ledger WHERE ledger = ?", (self._index.ledger,)
            ).fetchone()
        except sqlite3.DatabaseError as error:
            raise store_failure(error) from error
        return int(row[0])

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """See the index as it is at one moment: the indexer goes on beside."""
        try:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise store_failure(error) from error


def _same(one: Ratings, other: Ratings) -> bool:
    columns = ("rater", "ratee", "amount", "time")
    return list(one.accounts) == list(other.accounts) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in columns
    )
