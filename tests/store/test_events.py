import sqlite3
from itertools import pairwise

import pytest

from chainrep.errors import InputError, StoreError
from chainrep.protocol.types import ScoreUpdate
from chainrep.store.chain_index import ChainIndex, index_digest
from chainrep.store.db import open_store
from chainrep.store.events import Events
from chainrep.store.schema import MIGRATIONS
from tests.store.event_builder import (
    ADDRESSES,
    ALICE,
    BOB,
    applied,
    checkpoint,
    opened,
    rated,
    registered,
    rotated,
)

ONE = [ScoreUpdate(1, 100, 0, 0, 100)]


@pytest.fixture
def db(tmp_path):
    return open_store(tmp_path / "store.sqlite")


@pytest.fixture
def index(db):
    return ChainIndex(db, "eip155:1:ledger", ADDRESSES)


def extend(index, events, block, fork=""):
    cursor = index.cursor()
    return index.extend(cursor, events, [checkpoint(block, events, cursor, fork)])


def batches(first, last):
    return [applied(10 + nonce, nonce, ONE) for nonce in range(first, last + 1)]


def test_events_are_read_back_as_they_came(db, index):
    events = [opened(1), registered(1, 1, log=1), rated(2, ONE), *batches(1, 3)]
    assert extend(index, events, 20)
    stored = Events(db, "eip155:1:ledger")
    for event in events:
        assert event in list(stored.named(event.name))
    assert list(stored.named("BatchApplied", first_block=12)) == events[-2:]
    assert list(stored.named("BatchApplied", contract="ReputationRoots")) == []


def test_batches_are_found_by_their_nonces(db, index):
    extend(index, [opened(1), *batches(1, 20)], 40)
    found = Events(db, "eip155:1:ledger").batches(7, 9)
    assert [event.values["nonce"] for event in found] == [7, 8, 9]
    plan = " ".join(
        row["detail"]
        for row in db.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM event WHERE ledger = 1 AND name = 'BatchApplied'"
            " AND subject BETWEEN 7 AND 9"
        )
    )
    assert "USING INDEX event_by_name" in plan


def test_a_ledger_that_was_never_indexed_has_no_events(db):
    assert list(Events(db, "eip155:5:other").named("Rated")) == []


def test_two_ledgers_in_one_store_do_not_mix(db, index):
    other = ChainIndex(db, "eip155:2:ledger", ADDRESSES)
    extend(index, [opened(1), *batches(1, 3)], 20)
    alone = index_digest(db, "eip155:1:ledger")
    extend(other, [opened(1), registered(2, 1), *batches(1, 1)], 30)
    assert len(list(Events(db, "eip155:2:ledger").named("BatchApplied"))) == 1
    assert index_digest(db, "eip155:1:ledger") == alone != index_digest(db, "eip155:2:ledger")
    other.forget()
    assert index_digest(db, "eip155:1:ledger") == alone
    assert index.cursor().block == 20


def test_an_index_made_from_other_contracts_is_not_gone_on_with(db, index):
    extend(index, [opened(1)], 5)
    assert ChainIndex(db, "eip155:1:ledger", ADDRESSES).cursor().block == 5
    moved = ADDRESSES | {"FeedbackLog": "0x" + "cc" * 20}
    assert ChainIndex(db, "eip155:1:ledger", moved).cursor() is None
    assert list(Events(db, "eip155:1:ledger").named("LedgerOpened")) == []


def test_a_run_that_another_one_has_overtaken_adds_nothing(db, index, tmp_path):
    before = index.cursor()
    late = ChainIndex(open_store(tmp_path / "store.sqlite"), "eip155:1:ledger", ADDRESSES)
    events = [opened(1)]
    assert extend(index, events, 5)
    digest = index_digest(db, "eip155:1:ledger")
    assert not late.extend(before, events, [checkpoint(5, events, before)])
    assert not late.roll_back(checkpoint(4, [], None), None)
    assert index_digest(db, "eip155:1:ledger") == digest


def test_events_that_contradict_what_was_before_leave_no_trace(db, index):
    extend(index, [opened(1), registered(1, 1, log=1)], 5)
    digest, cursor = index_digest(db, "eip155:1:ledger"), index.cursor()
    unknown = [applied(7, 1, ONE), rotated(8, 9, (ALICE, BOB), 1)]
    with pytest.raises(InputError, match="does not follow"):
        extend(index, unknown, 9)
    assert (index_digest(db, "eip155:1:ledger"), index.cursor()) == (digest, cursor)


def test_a_full_disk_is_a_clear_stop_and_changes_nothing(db, index):
    extend(index, [opened(1)], 5)
    digest = index_digest(db, "eip155:1:ledger")
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    many = [ScoreUpdate(source, 1, 1, 1, 1) for source in range(1, 2_000)]
    with pytest.raises(StoreError, match="full"):
        extend(index, [applied(6, 1, many)], 6)
    assert index_digest(db, "eip155:1:ledger") == digest
    db.execute("PRAGMA max_page_count = 100000")
    assert extend(index, [applied(6, 1, many)], 6)


def test_a_store_that_turned_read_only_is_a_clear_stop(index):
    index.db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written"):
        extend(index, [opened(1)], 5)


def test_checkpoints_stay_dense_near_the_head_and_few_far_below(index):
    index.db.execute("PRAGMA synchronous = OFF")
    for block in range(1, 1_500):
        extend(index, [opened(1)] if block == 1 else [], block)
    blocks = [c.block for c in index.checkpoints()]
    assert blocks[:64] == list(range(1_499, 1_435, -1))
    assert len(blocks) < 64 + 12
    assert min(blocks) < 1_000
    distances = [1_499 - block for block in blocks[64:]]
    assert distances == sorted(distances)
    assert all(later < 4 * earlier for earlier, later in pairwise(distances))


def test_a_store_from_before_the_index_gains_it(tmp_path):
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as old:
        for script in MIGRATIONS[:3]:
            old.executescript(script)
        old.execute("PRAGMA user_version = 3")
    old.close()
    index = ChainIndex(open_store(path), "eip155:1:ledger", ADDRESSES)
    assert extend(index, [opened(1)], 5)
