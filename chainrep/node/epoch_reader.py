"""Recomputing epochs from the index: only once it is whole and deep enough, and each only once."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from chainrep.chain.address_book import Deployment
from chainrep.chain.reputation_roots import ReputationRoots
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import FalseAnswer
from chainrep.node.computed_epoch import ComputedEpoch, compute_epoch
from chainrep.node.epoch_evidence import epoch_ratings, rated_sources, settled_checkpoint
from chainrep.protocol.epoch import Epoch
from chainrep.protocol.reputation_tree import TreeDomain
from chainrep.reputation.formula import Formula
from chainrep.reputation.ratings import Ratings
from chainrep.store.chain_index import ChainIndex
from chainrep.store.db import store_failure
from chainrep.store.events import Events

KEPT = 4
"""Computed epochs kept in memory; 68 bytes an account, and 24 a rating."""


@dataclass(frozen=True, slots=True)
class _Kept:
    generation: int
    computed: ComputedEpoch


class EpochReader:
    """Computes epochs of one deployment from its index, in the thread that opened ``db``."""

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
        self._db = db
        self._index = ChainIndex(db, deployment.ledger_id, deployment.contracts)
        self._events = Events(db, deployment.ledger_id)
        self._roots = roots
        self._registry = registry
        self.confirmations = confirmations
        self._threads = threads
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._digests: dict[int, tuple[int, bytes, bytes]] = {}

    def digests(self, number: int) -> tuple[bytes, bytes] | None:
        """Root and snapshot hash of an epoch as of `compute`; remembered for any number of them."""
        known = self._digests.get(number)
        if known is not None and known[0] == self._generation():
            return known[1:]
        computed = self.compute(number)
        return None if computed is None else (computed.root, computed.snapshot_hash)

    def compute(self, number: int) -> ComputedEpoch | None:
        """The epoch, or None while the index has not passed its end deeply enough.

        Raises FalseAnswer where the index lacks a change of a rated source's owner, which no
        rolling hash covers: with it the ratings would count for somebody else. Raises ChainError
        and StoreError.
        """
        epoch = Epoch(number, self._roots.rules.epoch_seconds)
        with self._snapshot():
            if settled_checkpoint(self._index, epoch.end, self.confirmations) is None:
                return None
            generation = self._generation()
            kept = self._kept.get(number)
            if kept is not None and kept.generation == generation:
                return kept.computed
            ratings = epoch_ratings(self._events, self.formula.seeds, epoch.end)
            rated = rated_sources(self._events, epoch.end)
            rotations, newest = self._rotations(), self._index.checkpoints(1)[0].block
        self._check_owners(rated, rotations, newest)
        if kept is None or not _same(kept.computed.ratings, ratings):
            computed = compute_epoch(
                epoch, ratings, self.formula, self._domain(number), self._threads
            )
        else:
            computed = kept.computed
        self._kept[number] = _Kept(generation, computed)
        self._digests[number] = (generation, computed.root, computed.snapshot_hash)
        self._kept.move_to_end(number)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return computed

    def _domain(self, number: int) -> TreeDomain:
        place = self._roots.domain
        return TreeDomain(place.chain_id, place.contract, number, self._roots.rules.formula_hash)

    def _rotations(self) -> Mapping[int, int]:
        """How often each source changed hands, as the index has it."""
        changes = self._events.named("SourceRotated")
        return {event.values["id"]: event.values["rotations"] for event in changes}

    def _check_owners(self, rated: Sequence[int], rotations: Mapping[int, int], block: int) -> None:
        client, sources = self._registry.client, self._registry.contract.functions
        for source in rated:
            question = partial(sources.sourceOf(source).call, block_identifier=block)
            _, _, _, stated = client.ask(question)
            if stated != rotations.get(source, 0):
                raise FalseAnswer(
                    f"Source {source} changed hands {stated} times up to block {block}, and the"
                    f" index knows {rotations.get(source, 0)} of them.",
                    "A server kept an event back: give another URL with --rpc, and let the index"
                    " be read anew.",
                )

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
