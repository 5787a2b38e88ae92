"""The store's own examination: it writes for real, and notices what is wrong."""

import pytest

from chainrep.errors import StoreError
from chainrep.store.db import open_store
from chainrep.store.probe import PROBE_BYTES, probe_store


def test_a_probe_reaches_the_disk_and_leaves_nothing_in_the_store(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    before = [tuple(row) for row in db.execute("SELECT name, sql FROM sqlite_schema")]
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    probe_store(db)
    assert (tmp_path / "store.sqlite-wal").stat().st_size > 0.9 * PROBE_BYTES
    assert [tuple(row) for row in db.execute("SELECT name, sql FROM sqlite_schema")] == before
    db.close()


def test_a_full_database_is_noticed(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    db.execute("PRAGMA max_page_count = 1")  # SQLite sets it to the pages there are
    with pytest.raises(StoreError, match="full"):
        probe_store(db)
    assert not db.in_transaction
    db.close()


def test_a_store_that_cannot_be_written_is_noticed(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="readonly"):
        probe_store(db)
    db.close()


def test_a_damaged_page_is_noticed(tmp_path):
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    content = bytearray(path.read_bytes())
    content[-4096:-4032] = b"\xff" * 64  # the head of the last page
    path.write_bytes(content)
    db = open_store(path)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        probe_store(db)
    db.close()
