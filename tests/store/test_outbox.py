import sqlite3

import pytest

from chainrep.errors import DuplicateFeedback, InputError, OutboxFull, StoreError
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.store.db import open_store, transaction
from chainrep.store.outbox import Outbox, OutboxCount, count_by_ledger

LEDGER = "eip155:1:0xledger"


def judgement(key="k", source=1, supported=100, contradicted=0, time=1_700_000_000):
    return Feedback(
        key, source, FeedbackKind.GOLD, bytes(32), supported, contradicted, 0, 100, time
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "store.sqlite"


@pytest.fixture
def outbox(path):
    return Outbox(open_store(path), LEDGER)


def test_feedback_is_there_after_the_store_is_opened_again(path, outbox):
    outbox.put(judgement())
    outbox.db.close()
    assert Outbox(open_store(path), LEDGER).pending(10) == [judgement()]


def test_the_same_key_is_kept_once(outbox):
    assert outbox.put(judgement()) is True
    assert outbox.put(judgement(time=1_800_000_000)) is False
    assert outbox.count().pending == 1


def test_a_key_cannot_stand_for_two_judgements(outbox):
    outbox.put(judgement())
    with pytest.raises(DuplicateFeedback, match="'k'"):
        outbox.put(judgement(supported=0, contradicted=100))
    assert outbox.pending(10) == [judgement()]


def test_many_records_are_kept_in_one_step_and_only_new_ones_count(outbox):
    outbox.put(judgement("a"))
    assert outbox.put_many([(judgement(key), b"") for key in "abca"]) == 2
    assert [record.key for record in outbox.pending(10)] == ["a", "b", "c"]


def test_of_many_records_none_is_kept_when_one_contradicts_what_is_there(outbox):
    outbox.put(judgement("b"))
    with pytest.raises(DuplicateFeedback, match="'b'"):
        outbox.put_many([(judgement("a"), b""), (judgement("b", source=2), b"")])
    assert [record.key for record in outbox.pending(10)] == ["b"]


def test_the_same_key_for_another_ledger_is_another_judgement(path, outbox):
    outbox.put(judgement())
    with pytest.raises(DuplicateFeedback):
        Outbox(outbox.db, "eip155:2:0xother").put(judgement())


def test_a_full_outbox_takes_no_more_until_something_was_sent(path):
    outbox = Outbox(open_store(path), LEDGER, max_pending=3)
    outbox.put_many([(judgement(key), b"") for key in "abc"])
    with pytest.raises(OutboxFull, match="holds 3 records"):
        outbox.put(judgement("d"))
    outbox.refuse({"a": "because"})
    assert outbox.put(judgement("d"))
    assert outbox.count() == OutboxCount(pending=3, in_flight=0, applied=0, refused=1)


@pytest.mark.parametrize(
    "bad",
    [
        judgement(key=""),
        judgement(key="k" * 201),
        judgement(source=0),
        judgement(source=2**32),
        judgement(supported=65_536),
        judgement(supported=-1),
        judgement(time=2**40),
        Feedback("k", 1, FeedbackKind.USER, b"short", 1, 0, 0, 0, 1),
        Feedback("k", 1, FeedbackKind.USER, bytes(32), 0, 0, 0, 0, 1),
    ],
)
def test_what_could_never_reach_the_ledger_is_refused_at_once(outbox, bad):
    with pytest.raises(InputError):
        outbox.put(bad)
    assert outbox.count().pending == 0


def test_pending_feedback_comes_oldest_first(outbox):
    for key in "cab":
        outbox.put(judgement(key))
    assert [record.key for record in outbox.pending(2)] == ["c", "a"]


def test_refused_feedback_is_set_aside_with_its_reason(outbox):
    outbox.put(judgement("good"))
    outbox.put(judgement("bad", source=9))
    outbox.refuse({"bad": "source 9 is not registered"})
    assert [record.key for record in outbox.pending(10)] == ["good"]
    assert outbox.refusals() == {"bad": "source 9 is not registered"}
    assert outbox.count() == OutboxCount(pending=1, in_flight=0, applied=0, refused=1)


def test_ledgers_do_not_see_each_others_feedback(outbox):
    other = Outbox(outbox.db, "eip155:5:0xother")
    outbox.put(judgement("a"))
    other.put(judgement("b"))
    assert [record.key for record in other.pending(10)] == ["b"]
    assert {ledger: c.pending for ledger, c in count_by_ledger(outbox.db).items()} == {
        LEDGER: 1,
        other.ledger: 1,
    }


def test_a_transaction_that_fails_leaves_nothing(outbox):
    outbox.put(judgement())

    def fail_halfway():
        with transaction(outbox.db):
            outbox.db.execute("UPDATE feedback SET source = 2")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert outbox.pending(1)[0].source == 1


def test_a_store_made_by_a_newer_version_is_not_touched(path, outbox):
    outbox.db.execute("PRAGMA user_version = 99")
    outbox.db.close()
    with pytest.raises(StoreError, match="newer chainrep"):
        open_store(path)


def test_a_file_that_is_no_store_is_named(tmp_path):
    path = tmp_path / "store.sqlite"
    path.write_text("This is a letter, not a database. " * 100)
    with pytest.raises(StoreError, match=r"store\.sqlite"):
        open_store(path)


def test_two_processes_may_write_at_once(path, outbox):
    other = Outbox(open_store(path), LEDGER)
    outbox.put(judgement("a"))
    other.put(judgement("b"))
    assert outbox.count() == other.count() == OutboxCount(2, 0, 0, 0)


def test_the_schema_refuses_a_batch_number_that_does_not_exist(outbox):
    outbox.put(judgement())
    with pytest.raises(sqlite3.IntegrityError):
        outbox.db.execute("UPDATE feedback SET batch = 5")
