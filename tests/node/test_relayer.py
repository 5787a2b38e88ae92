"""The relayer on a real chain, undisturbed, interrupted and raced."""

from dataclasses import replace

import pytest

from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.chain.devnet import dev_accounts
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.config import Config
from chainrep.errors import BatchTooLarge, CallRefused, ChainUnreachable, SignatureError
from chainrep.node.carrier import Carrier
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.member import Member, SigningPolicy
from chainrep.node.pacing import Budget
from chainrep.node.quorum import KeySigner, Quorum
from chainrep.node.relayer import DEADLINE_SECONDS
from chainrep.protocol.evidence import evidence_record, evidence_tree
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.protocol.typed_data import join_signatures, sign_cancellation
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.session import bind_session
from chainrep.store.outbox import OutboxCount
from chainrep.store.pace import Pace
from chainrep.store.signings import Signings
from tests.tools import copied

OWNERS = dev_accounts(10)[4:]


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it and tidy up."""


def killed(*_):
    raise Killed


def judgement(key, source=1, supported=100, contradicted=0):
    return Feedback(
        key, source, FeedbackKind.GOLD, bytes(32), supported, contradicted, 0, 100, 1_700_000_000
    )


@pytest.fixture(scope="module")
def founded(founded, tmp_path_factory):
    """With three sources."""
    chain, deployment = copied(founded[0]), founded[1]
    client = Client(EmbeddedProvider(chain), "the embedded chain")
    config = Config(tmp_path_factory.mktemp("home"), "embedded", None)
    registry = bind_session(config, client, deployment).registry
    for i in range(3):
        registry.register(f"https://source{i}.example", OWNERS[i].private_key)
    return chain, deployment


@pytest.fixture
def outbox(session):
    return session.outbox()


def flush(session, outbox, **options):
    return list(session.relayer(outbox).flush(**options))


def supported(session):
    return [score.supported for score in session.ledger.scores([1, 2, 3])]


def test_pending_feedback_ends_on_the_ledger(session, outbox):
    outbox.put(judgement("a"))
    outbox.put(judgement("b", source=3, supported=0, contradicted=100))
    (batch,) = flush(session, outbox)
    assert [update.source for update in batch.updates] == [1, 3]
    assert session.ledger.scores([1])[0].supported == 100
    assert session.ledger.scores([3])[0].contradicted == 100
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=2, refused=0)


def test_the_evidence_root_on_chain_commits_to_the_records(session, outbox):
    records = [judgement("a"), judgement("b", source=2)]
    for record in records:
        outbox.put(record)
    (batch,) = flush(session, outbox)
    root, _ = session.ledger.applied(batch.nonce)
    assert root == evidence_tree(map(evidence_record, records)).root


def test_the_evidence_is_kept_under_its_root_before_the_batch_is_sent(session, outbox, monkeypatch):
    outbox.put(judgement("a"))
    relayer = session.relayer(outbox)
    monkeypatch.setattr(relayer.batches, "keep", killed)
    with pytest.raises(Killed):
        list(relayer.flush())
    (batch,) = relayer.batches.open()
    kept = relayer.evidence.get(batch.signed.report.evidence_root)
    assert parse_evidence(kept) == [evidence_record(judgement("a"))]


def test_flushing_again_sends_nothing(session, outbox):
    outbox.put(judgement("a"))
    flush(session, outbox)
    assert flush(session, outbox) == []
    assert supported(session) == [100, 0, 0]


def test_more_sources_than_a_batch_may_hold_go_in_several(session, outbox):
    for source in (1, 2, 3):
        outbox.put(judgement(f"k{source}", source))
    assert [len(batch.updates) for batch in flush(session, outbox, max_updates=2)] == [2, 1]
    assert supported(session) == [100, 100, 100]


@pytest.mark.parametrize("limit", [0, 100_000])
def test_a_batch_over_the_ledgers_cap_is_refused_and_nothing_is_lost(session, outbox, limit):
    outbox.put(judgement("a"))
    with pytest.raises(BatchTooLarge, match="--max-updates between 1 and"):
        flush(session, outbox, max_updates=limit)
    assert outbox.count().pending == 1


def test_feedback_on_an_unknown_source_is_set_aside_and_the_rest_goes_on(session, outbox):
    outbox.put(judgement("stranger", source=99))
    outbox.put(judgement("known"))
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]
    assert outbox.refusals() == {"stranger": "source 99 is not registered"}


def test_without_a_quorum_of_keys_nothing_is_sent(session, outbox):
    outbox.put(judgement("a"))
    relayer = session.relayer(outbox)
    domain = session.ledger.domain
    relayer.quorum = Quorum(domain, [KeySigner(domain, dev_accounts(2)[1].private_key)])
    with pytest.raises(SignatureError, match="1 of the 2 signatures"):
        list(relayer.flush())
    assert outbox.count().in_flight == 1
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]


@pytest.mark.parametrize("step", ["seal", "sign_again", "keep", "settle"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_durable_step_loses_nothing_and_sends_nothing_twice(
    session, outbox, monkeypatch, step, moment
):
    outbox.put(judgement("a"))
    relayer = session.relayer(outbox)
    original = getattr(relayer.batches, step)

    def killed_at(*arguments, **named):
        if moment == "after":
            original(*arguments, **named)
        raise Killed

    monkeypatch.setattr(relayer.batches, step, killed_at)
    with pytest.raises(Killed):
        list(relayer.flush())
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=1, refused=0)


def test_a_kill_between_broadcast_and_receipt_is_recognised_as_done(session, outbox, monkeypatch):
    outbox.put(judgement("a"))
    relayer = session.relayer(outbox)

    broadcast = session.client.broadcast

    def broadcast_and_die(transaction):
        broadcast(transaction)
        raise Killed

    monkeypatch.setattr(session.client, "broadcast", broadcast_and_die)
    with pytest.raises(Killed):
        list(relayer.flush())
    monkeypatch.undo()
    (batch,) = flush(session, outbox)
    assert batch.receipt is not None
    assert batch.receipt.succeeded
    assert supported(session) == [100, 0, 0]


def test_a_chain_that_stops_answering_leaves_the_feedback_in_flight(session, outbox, monkeypatch):
    outbox.put(judgement("a"))

    def unplugged(*_):
        raise ChainUnreachable("No chain answers.")

    monkeypatch.setattr(session.client, "broadcast", unplugged)
    with pytest.raises(ChainUnreachable):
        flush(session, outbox)
    assert outbox.count().in_flight == 1
    monkeypatch.undo()
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]


def test_a_batch_whose_nonce_went_to_another_report_takes_the_next_one(
    session, outbox, tmp_path, monkeypatch
):
    outbox.put(judgement("ours"))
    relayer = session.relayer(outbox)

    monkeypatch.setattr(relayer.batches, "keep", killed)
    with pytest.raises(Killed):
        list(relayer.flush())
    other_config = replace(session.config, home=tmp_path / "other")
    other = replace(session, config=other_config)
    other_outbox = other.outbox()
    other_outbox.put(judgement("theirs", source=2))
    flush(other, other_outbox)
    (batch,) = flush(session, outbox)
    assert batch.nonce == 2
    assert supported(session) == [100, 100, 0]


def test_a_batch_whose_deadline_has_passed_is_signed_anew(session, outbox, monkeypatch):
    outbox.put(judgement("a"))
    relayer = session.relayer(outbox)

    monkeypatch.setattr(relayer.batches, "keep", killed)
    with pytest.raises(Killed):
        list(relayer.flush())
    outbox.db.execute("UPDATE batch SET deadline = 1")
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]


def test_a_stored_transaction_that_lost_its_account_nonce_is_replaced(session, outbox, monkeypatch):
    outbox.put(judgement("a"))

    monkeypatch.setattr(session.client, "broadcast", killed)
    with pytest.raises(Killed):
        flush(session, outbox)
    monkeypatch.undo()
    owner, receiver = dev_accounts(2)
    session.client.send({"to": receiver.address, "value": 1}, owner.private_key)
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]


def test_a_batch_whose_nonce_the_committee_cancelled_takes_the_next_one(
    session, outbox, monkeypatch
):
    outbox.put(judgement("a"))
    monkeypatch.setattr(Carrier, "carry", killed)
    with pytest.raises(Killed):
        flush(session, outbox)
    monkeypatch.undo()
    cancel(session, 1)
    (batch,) = flush(session, outbox)
    assert (batch.nonce, supported(session)) == (2, [100, 0, 0])


def cancel(session, nonce):
    committee, deadline = session.ledger.committee(), session.client.now() + 600
    signatures = {
        account.address: sign_cancellation(
            committee.version, nonce, deadline, session.ledger.domain, account.private_key
        )
        for account in dev_accounts(3)[1:]
    }
    mask, joined = join_signatures(committee.members, signatures)
    call = session.ledger.cancel_call(nonce, deadline, mask, joined)
    session.client.send(call, OWNERS[5].private_key)


class Reporter:
    """A member in this program, as strict as one elsewhere."""

    def __init__(self, session, account, folder, max_evidence):
        signings = Signings(folder / f"{account.address}.sqlite", session.deployment.ledger_id)
        policy = SigningPolicy(confirmations=1, age_seconds=10**9, max_evidence=max_evidence)
        self.address = account.address
        self.member = Member(
            session.registry, session.ledger, signings, account.private_key, [], policy
        )

    def sign(self, report, records):
        return self.member.sign(report, self.member.ledger.domain, records)


def with_reporters(session, relayer, folder, *max_evidence):
    reporters = [
        Reporter(session, account, folder, most)
        for account, most in zip(dev_accounts(4)[1:], max_evidence, strict=True)
    ]
    relayer.quorum = Quorum(session.ledger.domain, reporters)
    return relayer


def test_a_judgement_that_no_quorum_signs_is_set_aside_and_the_rest_goes_on(
    session, outbox, tmp_path
):
    for key, weight in (("a", 100), ("heavy", 300), ("b", 100)):
        outbox.put(judgement(key, supported=weight))
    relayer = with_reporters(session, session.relayer(outbox), tmp_path, 100, 200, 10_000)
    (batch,) = relayer.flush()
    assert batch.updates[0].supported == 200
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=2, refused=1)
    assert "weighs 300 hundredths of a unit" in outbox.refusals()["heavy"]


def test_one_member_alone_cannot_have_a_judgement_set_aside(session, outbox, tmp_path):
    outbox.put(judgement("heavy", supported=300))
    relayer = with_reporters(session, session.relayer(outbox), tmp_path, 100, 10_000, 10_000)
    assert len(list(relayer.flush())) == 1
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=1, refused=0)


def test_what_a_batch_costs_is_reserved_and_what_it_did_not_cost_given_back(session, outbox):
    outbox.put(judgement("a"))
    budget = Budget(wei_per_day=10**18)
    policy = FlushPolicy(flush_at=1, max_age=0, budget=budget)
    relayer = session.relayer(outbox, policy=policy)
    while not (progress := relayer.step()).open:
        assert progress.pending
        pass_time(session, 60)
    reserved = relayer.batches.paces.load().spent
    assert reserved == SignedTransaction(b"", relayer.batches.submissions(1)[0].raw).cost
    (batch,) = relayer.step().settled
    assert relayer.batches.paces.load().spent == batch.receipt.fee < reserved


def test_nothing_is_sent_beyond_the_days_budget(session, outbox):
    outbox.put(judgement("a"))
    policy = FlushPolicy(flush_at=1, max_age=0, budget=Budget(wei_per_day=1_000))
    relayer = session.relayer(outbox, policy=policy)
    for _ in range(5):
        progress = relayer.step()
        pass_time(session, 3_600)
    assert (progress.pending, progress.open, progress.at_rest) == (1, 0, True)
    assert "budget" in progress.waits_for
    relayer.close()
    flush(session, outbox)
    assert supported(session) == [100, 0, 0]


def pass_time(session, seconds):
    provider = session.client.w3.provider
    provider.make_request("testing_timeTravel", [session.client.now() + seconds])


def test_a_sealed_batch_that_the_ledger_would_not_take_any_more_is_cut_anew(
    session, outbox, monkeypatch
):
    for source in (1, 2, 3):
        outbox.put(judgement(f"k{source}", source))
    monkeypatch.setattr(Carrier, "carry", killed)
    with pytest.raises(Killed):
        flush(session, outbox)
    monkeypatch.undo()
    contract = session.ledger.contract
    session.client.send(
        call_to(contract.functions.setUpdateLimit(2)), dev_accounts(1)[0].private_key
    )
    with pytest.raises(CallRefused):
        flush(session, outbox)
    assert [len(batch.updates) for batch in flush(session, outbox)] == [2, 1]
    assert supported(session) == [100, 100, 100]


def test_a_batch_that_was_sent_and_that_no_quorum_signs_again_is_cut_anew_when_it_has_expired(
    session, outbox, tmp_path, monkeypatch
):
    for key, weight in (("a", 100), ("heavy", 300)):
        outbox.put(judgement(key, supported=weight))
    monkeypatch.setattr(session.client, "broadcast", lambda transaction: None)
    relayer = with_reporters(session, session.relayer(outbox), tmp_path, 500, 500, 500)
    relayer.step()
    monkeypatch.undo()
    for reporter in relayer.quorum.signers.values():
        reporter.member.policy = SigningPolicy(1, age_seconds=10**9, max_evidence=100)
    pass_time(session, DEADLINE_SECONDS + 60)
    list(relayer.flush())
    assert outbox.count() == OutboxCount(pending=0, in_flight=0, applied=1, refused=1)
    assert supported(session) == [100, 0, 0]


def test_what_a_flush_without_a_budget_sent_gives_a_budget_nothing_back(session, outbox):
    outbox.put(judgement("a"))
    session.relayer(outbox, policy=FlushPolicy(flush_at=1, max_age=0)).step()
    outbox.db.execute("DELETE FROM lease")  # that run was killed
    budget = Budget(wei_per_day=10**18)
    relayer = session.relayer(outbox, policy=FlushPolicy(budget=budget))
    spent = Pace(multiplier=1, block=1, day=session.client.now() // 86_400, spent=5_000)
    relayer.batches.lease.take()
    relayer.batches.note_pace(spent)
    assert relayer.step().settled
    assert relayer.batches.paces.load().spent == 5_000
