"""The contracts' events, as the indexer copied them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from chainrep.protocol.chain_event import ChainEvent, read_values


class Events:
    """The events of one ledger (a CAIP-10 id), in the chain's order; none while none are known.

    Nothing is held in memory: a reader may walk through all of them.
    """

    def __init__(self, db: sqlite3.Connection, ledger: str) -> None:
        self.db = db
        self.ledger = ledger

    def named(
        self, name: str, contract: str | None = None, first_block: int = 0
    ) -> Iterator[ChainEvent]:
        """Every event of this name from a block on, of this contract where two share the name."""
        rows = self.db.execute(
            f"{_SELECT} AND name = ? AND block >= ? AND contract = ifnull(?, contract)"
            " ORDER BY block, log",
            (self.ledger, name, first_block, contract),
        )
        return map(event_from, rows)

    def encoded(
        self, name: str, contract: str, first_block: int = 0
    ) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Block, log, topics and content of the same events as `named`: their bytes, unread.

        They are in their one encoding, as everything that the index took in.
        """
        return iter(
            self.db.execute(
                "SELECT block, log, topics, content FROM event"
                " WHERE ledger = (SELECT id FROM indexed_ledger WHERE ledger = ?)"
                " AND name = ? AND contract = ? AND block >= ? ORDER BY block, log",
                (self.ledger, name, contract, first_block),
            )
        )

    def about(self, name: str, first: int, last: int) -> Iterator[ChainEvent]:
        """Every event of this name about a nonce, source id or epoch in ``first``..``last``."""
        rows = self.db.execute(
            f"{_SELECT} AND name = ? AND subject BETWEEN ? AND ? ORDER BY subject, block, log",
            (self.ledger, name, first, last),
        )
        return map(event_from, rows)

    def batches(self, first: int, last: int) -> Iterator[ChainEvent]:
        """The BatchApplied events of the nonces ``first``..``last``, by nonce."""
        return self.about("BatchApplied", first, last)


def add_events(db: sqlite3.Connection, ledger: int, events: Sequence[ChainEvent]) -> None:
    """Store events of the ledger with this row id; to be called within a transaction."""
    db.executemany(
        "INSERT INTO event (ledger, block, log, contract, name, subject, transaction_hash, topics,"
        " content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                ledger, event.block, event.log, event.contract, event.name, event.subject,
                event.transaction, event.topics, event.content,
            )
            for event in events
        ],
    )  # fmt: skip


def remove_events(db: sqlite3.Connection, ledger: int, above: int) -> None:
    """Forget the events above a block; to be called within a transaction."""
    db.execute("DELETE FROM event WHERE ledger = ? AND block > ?", (ledger, above))


def event_from(row: sqlite3.Row) -> ChainEvent:
    """An event from its row, with the arguments read from its bytes."""
    contract, name, block, log, transaction, topics, content = row
    values = read_values(contract, name, topics, content)
    return ChainEvent(contract, name, block, log, transaction, topics, content, values)


COLUMNS = "contract, name, block, log, transaction_hash, topics, content"
_SELECT = (
    f"SELECT {COLUMNS} FROM event"  # noqa: S608 (column names are our own)
    " WHERE ledger = (SELECT id FROM indexed_ledger WHERE ledger = ?)"
)
