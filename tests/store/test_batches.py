from dataclasses import replace

import pytest

from chainrep.errors import StoreBusy, StoreError
from chainrep.protocol.types import Feedback, FeedbackKind, Report, SignedReport
from chainrep.store.batches import Batches, Submission
from chainrep.store.db import open_store
from chainrep.store.lease import Holder, Lease
from chainrep.store.outbox import Outbox, OutboxCount
from chainrep.store.pace import Pace

LEDGER = "eip155:1:0xledger"
RECORD = Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
SUBMISSION = Submission(b"h" * 32, b"raw", 8, 1_700_000_100)
SIGNED = SignedReport(Report(1, 4, 99, bytes(32), bytes(12)), 0b11, bytes(130))


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(open_store(tmp_path / "store.sqlite"), LEDGER)
    outbox.put(RECORD)
    return outbox


@pytest.fixture
def batches(outbox):
    return batches_of(outbox.db)


def batches_of(db):
    lease = Lease(db, LEDGER, Holder(1, "then"), lambda holder: True)
    lease.take()
    return Batches(db, LEDGER, lease)


def test_a_sealed_batch_claims_its_feedback(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    assert outbox.pending(10) == []
    assert outbox.count() == OutboxCount(pending=0, in_flight=1, applied=0, refused=0)
    assert batches.open() == [sealed]


@pytest.mark.parametrize("nonce", [4, 5])
def test_two_batches_cannot_claim_the_same_feedback(outbox, batches, nonce):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    with pytest.raises(StoreError, match="another batch"):
        batches.seal(replace_nonce(nonce), [RECORD], 7)
    assert batches.open() == [sealed]
    assert outbox.count().in_flight == 1


def test_a_transaction_is_kept_before_it_is_sent(batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.keep(sealed.id, SUBMISSION)
    batches.keep(sealed.id, SUBMISSION)
    assert batches.submissions(sealed.id) == [SUBMISSION]


def test_new_signatures_supersede_the_transactions_of_the_old_ones(batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.keep(sealed.id, SUBMISSION)
    (sealed,) = batches.open()
    renewed = SignedReport(replace(SIGNED.report, nonce=5, deadline=200), 0b110, bytes(130))
    assert batches.sign_again(sealed, renewed) == replace(sealed, signed=renewed)
    assert batches.open() == [replace(sealed, signed=renewed)]
    assert batches.submissions(sealed.id) == [replace(SUBMISSION, superseded=True)]


def test_the_feedback_of_a_released_batch_waits_again(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.release(sealed.id, {}, 5)
    assert batches.open() == []
    assert outbox.pending(10) == [RECORD]


def test_feedback_that_was_refused_does_not_wait_again(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.release(sealed.id, {RECORD.key: "too heavy"}, 5)
    assert outbox.pending(10) == []
    assert outbox.refusals() == {RECORD.key: "too heavy"}


def test_a_batch_that_was_sent_is_taken_apart_only_after_its_latest_deadline(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.keep(sealed.id, SUBMISSION)
    sooner = SignedReport(replace(SIGNED.report, deadline=50), 0b110, bytes(130))
    batches.sign_again(sealed, sooner)
    batches.keep(sealed.id, replace(SUBMISSION, hash=b"i" * 32))
    assert batches.open()[0].sent_deadline == SIGNED.report.deadline == 99
    with pytest.raises(StoreError, match="may still be applied"):
        batches.release(sealed.id, {}, 99)
    assert outbox.count().in_flight == 1
    batches.release(sealed.id, {}, 100)
    assert outbox.pending(10) == [RECORD]


def test_what_was_reserved_is_remembered_with_the_transaction(batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    reserved = replace(SUBMISSION, reserved=10**19, reserved_day=20_000)  # above SQLite's integers
    batches.keep(sealed.id, reserved)
    assert batches.submissions(sealed.id) == [reserved]


def test_the_block_of_a_batch_is_remembered_and_forgotten(batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.note_block(sealed.id, 12)
    assert [batch.block for batch in batches.open()] == [12]
    batches.note_block(sealed.id, None)
    assert [batch.block for batch in batches.open()] == [None]


@pytest.mark.parametrize(
    "step",
    [
        lambda batches, sealed: batches.seal(replace_nonce(5), [], 7),
        lambda batches, sealed: batches.sign_again(sealed, replace_nonce(5)),
        lambda batches, sealed: batches.keep(sealed.id, SUBMISSION),
        lambda batches, sealed: batches.note_block(sealed.id, 12),
        lambda batches, sealed: batches.note_pace(Pace(1, 2, 3, 4)),
        lambda batches, sealed: batches.release(sealed.id, {}, 5),
        lambda batches, sealed: batches.settle(sealed.id, 12),
    ],
    ids=["seal", "sign again", "keep", "note block", "note pace", "release", "settle"],
)
def test_without_the_lease_no_step_changes_anything(batches, step):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.lease.release()
    before = list(batches.db.iterdump())
    with pytest.raises(StoreBusy):
        step(batches, sealed)
    assert list(batches.db.iterdump()) == before


def replace_nonce(nonce):
    return replace(SIGNED, report=replace(SIGNED.report, nonce=nonce))


def test_a_settled_batch_is_no_longer_open(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.settle(sealed.id, 12)
    assert batches.open() == []
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=1, refused=0)


def test_what_a_transaction_cost_is_remembered(batches):
    sealed = batches.seal(SIGNED, [RECORD], 7)
    batches.keep(sealed.id, SUBMISSION)
    batches.settle(sealed.id, 12, b"h" * 32, gas_used=60_000)
    row = batches.db.execute("SELECT block, gas_used FROM submission").fetchone()
    assert tuple(row) == (12, 60_000)
