"""Opening the database, and its numbered migrations.

The schema follows one road: feedback → batch → submission. A row moves on only in the same
SQLite transaction that records why, so a kill between any two statements leaves a state from
which the relayer can go on: feedback without a batch was never sent; a batch without a
submission was never broadcast; a stored submission may be broadcast again, byte for byte.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrep.errors import StoreError

_BUSY_SECONDS = 30.0

_MIGRATIONS = (
    """
    CREATE TABLE batch (
        id INTEGER PRIMARY KEY,
        ledger TEXT NOT NULL,
        committee INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        deadline INTEGER NOT NULL,
        evidence_root BLOB NOT NULL CHECK (length(evidence_root) = 32),
        updates BLOB NOT NULL,
        signer_mask INTEGER NOT NULL,
        signatures BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'applied')),
        UNIQUE (ledger, nonce)
    ) STRICT;

    CREATE TABLE feedback (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        ledger TEXT NOT NULL,
        source INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        query_digest BLOB NOT NULL CHECK (length(query_digest) = 32),
        salt BLOB NOT NULL,
        supported INTEGER NOT NULL,
        contradicted INTEGER NOT NULL,
        used INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        time INTEGER NOT NULL,
        batch INTEGER REFERENCES batch (id),
        refused TEXT
    ) STRICT;
    CREATE INDEX feedback_pending ON feedback (ledger, id)
        WHERE batch IS NULL AND refused IS NULL;
    CREATE INDEX feedback_by_batch ON feedback (batch) WHERE batch IS NOT NULL;

    CREATE TABLE submission (
        hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
        batch INTEGER NOT NULL REFERENCES batch (id),
        raw BLOB NOT NULL,
        block INTEGER,
        gas_used INTEGER
    ) STRICT;
    CREATE INDEX submission_by_batch ON submission (batch);
    """,
)


def open_store(path: Path) -> sqlite3.Connection:
    """Open (or create) the store in WAL mode and bring its schema up to date.

    Raises StoreError when the file cannot be written or was made by a newer chainrep.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.row_factory = sqlite3.Row
        _migrate(db, path)
    except (OSError, sqlite3.DatabaseError) as error:
        raise StoreError(
            f"The store {path} cannot be opened ({error}).",
            "Check that the folder is writable, or choose another one with --home.",
        ) from error
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: commit when the block ends, roll back when it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    with transaction(db):
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(_MIGRATIONS):
            raise StoreError(
                f"The store {path} has schema {version}, this chainrep knows {len(_MIGRATIONS)}.",
                "Install the newer chainrep that made it.",
            )
        for script in _MIGRATIONS[version:]:
            for statement in script.split(";"):
                if statement.strip():
                    db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
