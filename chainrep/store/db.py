"""Opening the database, and doing several things in it at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrep.errors import StoreError
from chainrep.private_folder import make_private
from chainrep.store.schema import MIGRATIONS

_BUSY_SECONDS = 30.0


def open_store(path: Path) -> sqlite3.Connection:
    """Open (or create) the store in WAL mode and bring its schema up to date.

    Raises StoreError when the file cannot be written or was made by a newer chainrep.
    """
    try:
        make_private(path.parent)
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.row_factory = sqlite3.Row
        _migrate(db, path)
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be opened ({error}).",
            "Check that the folder is writable, or choose another one with --home.",
        ) from error
    except sqlite3.DatabaseError as error:
        failure = store_failure(error)
        raise StoreError(
            f"The store {path} cannot be opened. {failure.summary}", failure.remedy
        ) from error
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: commit when the block ends, roll back when it raises.

    Raises StoreError where the database fails.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite has rolled back by itself where the disk is full
                db.execute("ROLLBACK")
            raise
    except sqlite3.DatabaseError as error:
        raise store_failure(error) from error


def store_failure(error: sqlite3.DatabaseError) -> StoreError:
    """What a database's failure means, and what to do; what was kept before is still there."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreError(
            "The disk is full.", "Make room, then do the same again: nothing is lost."
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
        return StoreError(
            "The store cannot be written.",
            "Check that its folder is writable, or choose another with --home; nothing is lost.",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreError(
            f"The store is damaged ({error}).",
            "Stop what uses it, keep a copy, and put back the backup: docs/operations.md says how.",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreError(
            f"Another program has kept the store locked for {_BUSY_SECONDS:.0f} s.",
            "See what it is, then do the same again: nothing is lost.",
        )
    return StoreError(f"The store failed ({error}).", "`chainrep doctor` looks at it.")


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    with transaction(db):
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise StoreError(
                f"The store {path} has schema {version}, this chainrep knows {len(MIGRATIONS)}.",
                "Install the newer chainrep that made it.",
            )
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                if statement.strip():
                    db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
