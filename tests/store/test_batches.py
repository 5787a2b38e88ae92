from dataclasses import replace

import pytest

from chainrep.errors import StoreError
from chainrep.protocol.types import Feedback, FeedbackKind, Report, SignedReport
from chainrep.store.batches import Batches, Submission
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox, OutboxCount

LEDGER = "eip155:1:0xledger"
RECORD = Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
SIGNED = SignedReport(Report(1, 4, 99, bytes(32), bytes(12)), 0b11, bytes(130))


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(open_store(tmp_path / "store.sqlite"), LEDGER)
    outbox.put(RECORD)
    return outbox


@pytest.fixture
def batches(outbox):
    return Batches(outbox.db, LEDGER)


def test_a_sealed_batch_claims_its_feedback(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD])
    assert outbox.pending(10) == []
    assert outbox.count() == OutboxCount(pending=0, in_flight=1, applied=0, refused=0)
    assert batches.open() == [sealed]


@pytest.mark.parametrize("nonce", [4, 5])
def test_two_runs_cannot_claim_the_same_feedback(outbox, batches, nonce):
    sealed = batches.seal(SIGNED, [RECORD])
    rival = replace(SIGNED, report=replace(SIGNED.report, nonce=nonce))
    with pytest.raises(StoreError, match="Another run"):
        batches.seal(rival, [RECORD])
    assert batches.open() == [sealed]
    assert outbox.count().in_flight == 1


def test_a_transaction_is_kept_before_it_is_sent(batches):
    sealed = batches.seal(SIGNED, [RECORD])
    submission = Submission(hash=b"h" * 32, raw=b"raw")
    batches.keep(sealed.id, submission)
    batches.keep(sealed.id, submission)
    assert batches.submissions(sealed.id) == [submission]


def test_new_signatures_replace_the_old_ones_and_their_transactions(batches):
    sealed = batches.seal(SIGNED, [RECORD])
    batches.keep(sealed.id, Submission(hash=b"h" * 32, raw=b"raw"))
    renewed = SignedReport(replace(SIGNED.report, nonce=5, deadline=200), 0b110, bytes(130))
    batches.sign_again(sealed.id, renewed)
    assert batches.open() == [replace(sealed, signed=renewed)]
    assert batches.submissions(sealed.id) == []


def test_a_settled_batch_is_no_longer_open(outbox, batches):
    sealed = batches.seal(SIGNED, [RECORD])
    batches.settle(sealed.id)
    assert batches.open() == []
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=1, refused=0)


def test_what_a_transaction_cost_is_remembered(batches):
    sealed = batches.seal(SIGNED, [RECORD])
    batches.keep(sealed.id, Submission(hash=b"h" * 32, raw=b"raw"))
    batches.settle(sealed.id, b"h" * 32, block=12, gas_used=60_000)
    row = batches.db.execute("SELECT block, gas_used FROM submission").fetchone()
    assert tuple(row) == (12, 60_000)
