"""The index of one ledger: events, what follows from them, and how far they reach.

One transaction per step: a kill leaves the state before it or after it. Checkpoints say which
blocks the index has seen, with their hashes, so that after a reorganisation it can go back to the
newest one that is still in the chain.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.contract_state import ContractState
from chainrep.store.db import store_failure, transaction
from chainrep.store.events import add_events, remove_events
from chainrep.store.scores import add_derived, remove_derived

DENSE_BLOCKS = 64
"""So far below the newest checkpoint all others are kept; beyond, one per doubled distance."""

_DERIVED = {
    "event": "block, log",
    "indexed_source": "id",
    "score": "source",
    "score_change": "source, block, log",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block up to which the index is whole: its hash, its time, and the contracts' state in it.

    ``verified`` says whether the contracts themselves were asked and agreed.
    """

    block: int
    hash: bytes
    time: int
    state: ContractState
    verified: bool


class ChainIndex:
    """Writing the index of one ledger (a CAIP-10 id); ``contracts`` are addresses by name.

    Of an index that was made from other contracts nothing is kept. Every call raises StoreError
    when the store fails, and then has changed nothing.
    """

    def __init__(self, db: sqlite3.Connection, ledger: str, contracts: Mapping[str, str]) -> None:
        self.db = db
        self.ledger = ledger
        named = json.dumps(dict(sorted(contracts.items())))
        with _written(db):
            db.execute(
                "INSERT OR IGNORE INTO indexed_ledger (ledger, contracts) VALUES (?, ?)",
                (ledger, named),
            )
            row = db.execute(
                "SELECT id, contracts FROM indexed_ledger WHERE ledger = ?", (ledger,)
            ).fetchone()
            self._id = int(row[0])
            if row[1] != named:
                self._forget_all()
                db.execute("UPDATE indexed_ledger SET contracts = ? WHERE id = ?", (named, row[0]))

    def cursor(self) -> Checkpoint | None:
        """The newest checkpoint: where the index ends; None while it is empty."""
        return next(iter(self.checkpoints(1)), None)

    def checkpoints(self, limit: int = 1_000) -> Sequence[Checkpoint]:
        """The checkpoints, newest first: there are never more than about a hundred."""
        with _read():
            rows = self.db.execute(
                "SELECT block, hash, time, state, verified FROM checkpoint WHERE ledger = ?"
                " ORDER BY block DESC LIMIT ?",
                (self._id, limit),
            ).fetchall()
        return [
            Checkpoint(block, found, time, ContractState(**json.loads(state)), bool(verified))
            for block, found, time, state, verified in rows
        ]

    def extend(
        self,
        cursor: Checkpoint | None,
        events: Sequence[ChainEvent],
        reached: Sequence[Checkpoint],
    ) -> bool:
        """Add the events of the blocks after ``cursor``, with the checkpoints they lead to.

        Returns False, and changes nothing, when another run has moved the cursor meanwhile.
        Raises InputError for events that contradict what came before them.
        """
        with _written(self.db):
            if self.cursor() != cursor:
                return False
            add_events(self.db, self._id, events)
            add_derived(self.db, self._id, events, bool(reached[-1].state.archive))
            self._note(reached)
            self._thin()
        return True

    def roll_back(self, cursor: Checkpoint, to: Checkpoint | None) -> bool:
        """Forget what came after an earlier checkpoint, or everything; False as of ``extend``."""
        with _written(self.db):
            if self.cursor() != cursor:
                return False
            if to is None:
                self._forget_all()
                return True
            remove_derived(self.db, self._id, to.block, bool(cursor.state.archive))
            remove_events(self.db, self._id, to.block)
            self.db.execute(
                "DELETE FROM checkpoint WHERE ledger = ? AND block > ?", (self._id, to.block)
            )
            self._begin_generation()
        return True

    def confirm(self, cursor: Checkpoint) -> None:
        """Note that the contracts themselves agree with the index up to this checkpoint."""
        with _written(self.db):
            self.db.execute(
                "UPDATE checkpoint SET verified = 1 WHERE ledger = ? AND block = ? AND hash = ?",
                (self._id, cursor.block, cursor.hash),
            )

    def forget(self) -> None:
        """Forget everything about this ledger's chain, so that it is read anew."""
        with _written(self.db):
            self._forget_all()

    def _forget_all(self) -> None:
        for table in (*_DERIVED, "checkpoint"):
            self.db.execute(f"DELETE FROM {table} WHERE ledger = ?", (self._id,))  # noqa: S608 (our own)
        self._begin_generation()

    def _begin_generation(self) -> None:
        """Tell readers that what they remember may have been taken back."""
        self.db.execute(
            "UPDATE indexed_ledger SET generation = generation + 1 WHERE id = ?", (self._id,)
        )

    def _note(self, reached: Sequence[Checkpoint]) -> None:
        self.db.executemany(
            "INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?, ?)",
            [
                (self._id, c.block, c.hash, c.time, c.verified, json.dumps(asdict(c.state)))
                for c in reached
            ],
        )

    def _thin(self) -> None:
        rows = self.db.execute(
            "SELECT block, verified FROM checkpoint WHERE ledger = ? ORDER BY block DESC",
            (self._id,),
        ).fetchall()
        newest = rows[0][0]
        kept = {next((block for block, verified in rows if verified), newest)}
        taken: set[int] = set()
        for block, _ in reversed(rows):  # the oldest of each distance stays, or none would grow old
            distance = newest - block
            if distance <= DENSE_BLOCKS or distance.bit_length() not in taken:
                kept.add(block)
                taken.add(distance.bit_length())
        self.db.executemany(
            "DELETE FROM checkpoint WHERE ledger = ? AND block = ?",
            [(self._id, block) for block, _ in rows if block not in kept],
        )


def index_digest(db: sqlite3.Connection, ledger: str) -> str:
    """SHA-256 (hex) over everything the index of a ledger says: events, sources, scores, changes.

    Table by table and row by row in the order of their keys, each row as Python writes the tuple of
    its values without the ledger's row id. How the index came about does not matter: neither the
    sizes of its steps nor the reorganisations that it went through.
    """
    digest = hashlib.sha256()
    for table, order in _DERIVED.items():
        digest.update(table.encode())
        rows = db.execute(
            f"SELECT * FROM {table} WHERE ledger = (SELECT id FROM indexed_ledger WHERE ledger = ?)"  # noqa: S608 (our own)
            f" ORDER BY {order}",
            (ledger,),
        )
        for row in rows:
            digest.update(repr(tuple(row)[1:]).encode())
    return digest.hexdigest()


@contextmanager
def _written(db: sqlite3.Connection) -> Iterator[None]:
    with _read(), transaction(db):
        yield


@contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise store_failure(error) from error
