"""Whether the store can be written and is whole: asked by ``chainrep doctor``."""

from __future__ import annotations

import sqlite3

from chainrep.errors import StoreError

PROBE_BYTES = 1024 * 1024
_PROBE_PAGES = 16


def probe_store(db: sqlite3.Connection) -> None:
    """Write one MiB to the disk and take it back, then let SQLite check every page.

    With a cache this small the pages reach the write-ahead log before they are rolled back, so
    that a full or read-only disk is noticed. Raises StoreError where something is not well.
    """
    try:
        db.execute(f"PRAGMA cache_size = {_PROBE_PAGES}")
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("CREATE TABLE probe (content BLOB)")
            db.execute("INSERT INTO probe VALUES (zeroblob(?))", (PROBE_BYTES,))
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"The store cannot be written or read ({error}).",
            "Make room on the disk and check the file's permissions; if it is damaged, stop the"
            " node and put back a copy.",
        ) from error
    if found != "ok":
        raise StoreError(
            f"The store is damaged ({found}).", "Stop the node and put back a good copy."
        )
