"""The relayer on a store that fails: a clear stop, and nothing lost once it is well again."""

import sqlite3
from contextlib import closing

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import StoreError
from chainrep.node.flush_policy import FlushPolicy
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox, OutboxCount
from tests.node.anvil_chain import judgement

OWNERS = dev_accounts(10)[4:]
ALL_APPLIED = OutboxCount(pending=0, in_flight=0, applied=40, refused=0)


@pytest.fixture
def path(session):
    return session.config.store


@pytest.fixture
def outbox(session):
    for i in range(3):
        session.registry.register(f"https://source{i}.example", OWNERS[i].private_key)
    outbox = session.outbox()
    outbox.put_many([(judgement(f"k{i}", 1 + i % 3), b"") for i in range(40)])
    return outbox


def supported(session):
    return [score.supported for score in session.ledger.scores([1, 2, 3])]


def flush(session, outbox):
    return list(session.relayer(outbox).flush(max_updates=1))


def add_and_flush_for_ever(session, outbox):
    for number in range(1_000):
        outbox.put_many([(judgement(f"more{number}/{i}"), b"") for i in range(50)])
        flush(session, outbox)


def limit_pages(outbox, room):
    pages = outbox.db.execute("PRAGMA page_count").fetchone()[0]
    outbox.db.execute(f"PRAGMA max_page_count = {pages + room}")


@pytest.mark.parametrize("room", [0, 1, 2, 4])
def test_a_full_disk_stops_the_relayer_and_room_lets_it_go_on(session, outbox, room):
    limit_pages(outbox, room)
    with pytest.raises(StoreError, match="disk is full"):
        add_and_flush_for_ever(session, outbox)
    limit_pages(outbox, 1_000_000)
    flush(session, outbox)
    count = outbox.count()
    assert (count.pending, count.in_flight) == (0, 0)
    assert sum(supported(session)) == 100 * count.applied


def test_a_store_that_cannot_be_written_stops_the_relayer_before_it_sends(session, outbox, path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        with pytest.raises(StoreError, match="cannot be written"):
            flush(session, Outbox(db, outbox.ledger))
    assert supported(session) == [0, 0, 0]
    flush(session, outbox)
    assert outbox.count() == ALL_APPLIED


def test_a_damaged_page_is_named_and_the_backup_goes_on(session, outbox, path, tmp_path):
    with closing(sqlite3.connect(tmp_path / "backup.sqlite")) as backup:
        outbox.db.backup(backup)
    outbox.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    outbox.db.close()
    whole = path.read_bytes()
    page = 4096
    path.write_bytes(whole[:page] + bytes([0xA5]) * (len(whole) - page))
    with pytest.raises(StoreError, match="damaged") as failure:
        flush(session, Outbox(open_store(path), outbox.ledger))
    assert "backup" in failure.value.remedy
    assert supported(session) == [0, 0, 0]
    for leftover in path.parent.glob(path.name + "-*"):
        leftover.unlink()
    path.write_bytes((tmp_path / "backup.sqlite").read_bytes())
    restored = Outbox(open_store(path), outbox.ledger)
    flush(session, restored)
    assert restored.count() == ALL_APPLIED


def test_a_clock_set_back_loses_no_feedback_and_sends_none_twice(session, outbox):
    now = session.client.now()
    relayer = session.relayer(outbox, policy=FlushPolicy(flush_at=1, max_age=0, max_updates=1))
    for hours in (0, -5, 20, -300, 0, 0):
        relayer._clock = lambda hours=hours: now + 3_600 * hours
        relayer.step()
    relayer.close()
    flush(session, outbox)
    assert outbox.count() == ALL_APPLIED
    assert sum(supported(session)) == 4_000
