"""A committee member: what it signs, every reason for which it refuses, and what it remembers."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.errors import ChainError, NotAuthorized, SigningRefused, StoreError
from chainrep.node.member import Member, SigningPolicy
from chainrep.protocol.authorization import authorize
from chainrep.protocol.evidence import evidence_tree
from chainrep.protocol.typed_data import LedgerDomain, recover_signer
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session
from chainrep.store.signings import Signings
from tests.node.ledger_moves import (
    ACCOUNTS,
    DEEP,
    STRANGER,
    apply,
    cancel,
    confirm,
    pass_time,
    record,
    report_on,
)

COORDINATOR = ACCOUNTS[8]
POLICY = SigningPolicy(confirmations=DEEP)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    client = Client(EmbeddedProvider(embedded_chain()), "the embedded chain")
    members = [ACCOUNTS[i].address for i in COMMITTEE]
    deployment = deploy_contracts(client, ACCOUNTS[OWNER].private_key, members, THRESHOLD)
    config = Config(tmp_path_factory.mktemp("home"), "embedded", None)
    session = bind_session(config, client, deployment)
    for i in range(2):
        session.registry.register(f"https://source{i}.example", ACCOUNTS[4].private_key)
    return session


@pytest.fixture
def chain(deployed):
    """The deployed contracts as they were at first: deploying anew for each test takes longer."""
    call = deployed.client.w3.provider.make_request
    snapshot = call("evm_snapshot", [])["result"]
    yield deployed
    call("evm_revert", [snapshot])


def make_member(session, tmp_path, index=1, policy=POLICY, **options):
    path = tmp_path / f"member{index}.sqlite"
    return Member(
        session.registry, session.ledger, Signings(path, session.deployment.ledger_id),
        ACCOUNTS[index].private_key, [COORDINATOR.address], policy, **options,
    )  # fmt: skip


@pytest.fixture
def member(chain, tmp_path):
    return make_member(chain, tmp_path)


def ask(member, report, records):
    signature = member.sign(report, member.ledger.domain, records)
    assert recover_signer(report, member.ledger.domain, signature) == member.address
    return signature


def refuses(member, report, records, why):
    with pytest.raises(SigningRefused, match=why):
        member.sign(report, member.ledger.domain, records)


def test_a_batch_that_can_be_reproduced_is_signed(chain, member):
    records = [record("a"), record("b", source=2)]
    report = report_on(chain, records)
    signature = ask(member, report, records)
    assert ask(member, report, records) == signature
    apply(chain, report)
    assert [score.supported for score in chain.ledger.scores([1, 2])] == [100, 100]


def test_an_archives_batch_is_signed_in_its_compact_form(client, tmp_path):
    members = [ACCOUNTS[i].address for i in COMMITTEE]
    key = ACCOUNTS[OWNER].private_key
    deployment = deploy_contracts(client, key, members, THRESHOLD, archive=True)
    archive = bind_session(Config(tmp_path / "home", "embedded", None), client, deployment)
    archive.registry.register("https://source.example", ACCOUNTS[4].private_key)
    records = [record("a")]
    member = make_member(archive, tmp_path)
    ask(member, report_on(archive, records), records)
    stranger = [record("b", source=2)]
    refuses(member, report_on(archive, stranger), stranger, "source 2, which does not exist")


def test_another_ledger_or_chain_is_refused(chain, member):
    records = [record("a")]
    report, domain = report_on(chain, records), member.ledger.domain
    for other in (
        replace(domain, chain_id=1),
        LedgerDomain(domain.chain_id, chain.deployment.source_registry),
    ):
        with pytest.raises(SigningRefused, match="signs for ledger"):
            member.sign(report, other, records)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"committee": 2}, "for committee 2, the ledger has 1"),
        ({"nonce": 0}, "Nonce 0 is outside 1 to 33"),
        ({"nonce": 34}, "Nonce 34 is outside 1 to 33"),
        ({"deadline": 1}, "deadline has passed"),
        ({"deadline": 2**40}, "more than 7,200 s ahead"),
        ({"evidence_root": bytes(32)}, "does not have the root"),
        ({"updates": bytes(12)}, "does not add up"),
        ({"updates": b""}, "does not add up"),
    ],
)
def test_a_report_that_does_not_fit_the_evidence_or_the_ledger_is_refused(
    chain, member, changes, why
):
    records = [record("a")]
    refuses(member, report_on(chain, records, **changes), records, why)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"source": 3}, "source 3, which does not exist"),
        ({"time": int(time.time()) + 3_600}, "from the future"),
        ({"time": int(time.time()) - 31 * 86_400}, "older than the 2,592,000 s"),
        ({"supported": 60, "contradicted": 60}, "weighs 120 hundredths"),
        ({"used": 101}, "weighs 101 hundredths"),
        ({"asked": 65_435}, "weighs 65435 hundredths"),
    ],
)
def test_a_judgement_outside_the_policy_is_refused(chain, member, changes, why):
    records = [record("good"), record("bad", **changes)]
    refuses(member, report_on(chain, records), records, why)


def test_a_judgement_at_the_edge_of_the_policy_is_signed(chain, member):
    records = [record("a", used=100, time=int(time.time()) + 30)]
    ask(member, report_on(chain, records), records)


def test_evidence_that_names_a_feedback_id_twice_is_refused(chain, member):
    records = [record("a"), record("a")]
    refuses(member, report_on(chain, records), records, "appears twice")


def test_no_evidence_is_refused(chain, member):
    refuses(member, report_on(chain, [record("a")]), [], "stands on 1 to 20000")


def test_more_evidence_than_a_batch_carries_is_refused(chain, tmp_path):
    generous = make_member(chain, tmp_path, policy=SigningPolicy(max_evidence=65_535))
    records = [record("a", supported=65_535), record("b", supported=1)]
    report = report_on(chain, records[:1], evidence_root=evidence_tree(records).root)
    refuses(generous, report, records, "makes no batch")


def test_a_member_that_left_the_committee_signs_no_more(chain, member):
    records = [record("a")]
    report = report_on(chain, records)
    remaining = [ACCOUNTS[i].address for i in COMMITTEE if i != 1]
    configure(chain, remaining)
    refuses(member, report, records, "not in the committee any more")


def configure(session, members):
    function = session.ledger.contract.functions.configure(
        sorted(members, key=lambda address: int(address, 16)), THRESHOLD
    )
    call = {"to": function.address, "data": function._encode_transaction_data()}
    session.client.send(call, ACCOUNTS[OWNER].private_key)


def test_two_batches_are_never_signed_under_one_nonce(chain, member):
    first, second = [record("a")], [record("b")]
    ask(member, report_on(chain, first), first)
    refuses(member, report_on(chain, second), second, "Another batch was signed under nonce 1")
    ask(member, report_on(chain, second, ahead=1), second)
    assert [s.evidence_root for s in member.signings.signed(1)] == [evidence_tree(first).root]


def test_a_batch_may_get_a_later_deadline_under_its_own_nonce(chain, member):
    records = [record("a")]
    report = report_on(chain, records)
    ask(member, report, records)
    ask(member, replace(report, deadline=report.deadline + 60), records)
    ask(member, report, records)
    (kept,) = member.signings.signed(1)
    assert kept.deadline == report.deadline + 60


def test_feedback_is_not_signed_for_in_two_batches(chain, member):
    first, second = [record("a")], [record("b"), record("a", supported=50)]
    ask(member, report_on(chain, first), first)
    refuses(member, report_on(chain, second, ahead=1), second, "signed in another one")


def test_feedback_that_is_on_the_ledger_is_never_signed_for_again(chain, member):
    first, second = [record("a")], [record("b"), record("a")]
    report = report_on(chain, first)
    ask(member, report, first)
    apply(chain, report)
    confirm(chain)
    refuses(member, report_on(chain, second), second, "applied already, under nonce 1")
    refuses(member, report_on(chain, first), first, "applied already, under nonce 1")


def test_an_unconfirmed_loss_of_the_nonce_frees_nothing_and_a_confirmed_one_does(chain, member):
    ours, theirs = [record("ours")], [record("theirs")]
    ask(member, report_on(chain, ours), ours)
    apply(chain, report_on(chain, theirs))
    again = report_on(chain, ours)
    assert again.nonce == 2
    refuses(member, again, ours, "This batch was signed under nonce 1")
    confirm(chain)
    ask(member, again, ours)
    apply(chain, again)
    assert chain.ledger.scores([1])[0].supported == 200


def test_a_cancelled_nonce_frees_its_feedback_for_any_batch(chain, member):
    first, second = [record("a")], [record("a"), record("b")]
    ask(member, report_on(chain, first), first)
    cancel(chain, 1)
    refuses(member, report_on(chain, second), second, "signed in another one")
    confirm(chain)
    ask(member, report_on(chain, second), second)
    refuses(member, report_on(chain, first, ahead=1), first, "signed in another one")


def test_a_deadline_passed_by_confirmed_time_frees_nonce_and_feedback(chain, member):
    first, second = [record("a")], [record("a"), record("b")]
    report = report_on(chain, first, deadline=chain.client.now() + 600)
    ask(member, report, first)
    pass_time(chain, 700)
    refuses(member, report_on(chain, second), second, "Another batch was signed under nonce 1")
    confirm(chain)
    ask(member, report_on(chain, second), second)
    refuses(member, report_on(chain, first), first, "Another batch was signed under nonce 1")


def test_the_latest_deadline_signed_is_the_one_that_has_to_pass(chain, member):
    first, second = [record("a")], [record("b")]
    report = report_on(chain, first, deadline=chain.client.now() + 600)
    ask(member, report, first)
    ask(member, replace(report, deadline=report.deadline + 3_000), first)
    pass_time(chain, 700)
    confirm(chain)
    refuses(member, report_on(chain, second), second, "Another batch was signed under nonce 1")


def test_a_new_committee_voids_what_was_signed_under_the_old_one(chain, member):
    first, second = [record("a")], [record("a"), record("b")]
    ask(member, report_on(chain, first), first)
    configure(chain, [ACCOUNTS[i].address for i in COMMITTEE])
    refuses(member, report_on(chain, second), second, "Another batch was signed under nonce 1")
    confirm(chain)
    ask(member, report_on(chain, second), second)


def test_a_chain_that_does_not_show_what_took_a_nonce_frees_nothing(chain, member, monkeypatch):
    ours, theirs = [record("ours")], [record("theirs")]
    ask(member, report_on(chain, ours), ours)
    apply(chain, report_on(chain, theirs))
    confirm(chain)
    answer = chain.client.w3.provider._request

    def forgetful(method, params):
        return {"result": []} if method == "eth_getLogs" else answer(method, params)

    monkeypatch.setattr(chain.client.w3.provider, "_request", forgetful)
    refuses(member, report_on(chain, ours), ours, "What became of nonce 1 cannot be found out")


def test_a_chain_that_answers_for_few_blocks_at_a_time_is_asked_for_fewer(
    chain, member, monkeypatch
):
    ours, theirs = [record("ours")], [record("theirs")]
    ask(member, report_on(chain, ours), ours)
    for _ in range(4):
        confirm(chain)
    apply(chain, report_on(chain, theirs))
    confirm(chain)
    answer, asked = chain.client.w3.provider._request, []

    def stingy(method, params):
        if method == "eth_getLogs":
            blocks = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            asked.append(blocks)
            if blocks > 5:
                return {"error": {"code": -32005, "message": "block range is limited to 5"}}
        return answer(method, params)

    monkeypatch.setattr(chain.client.w3.provider, "_request", stingy)
    ask(member, report_on(chain, ours), ours)
    assert max(asked) > 5
    assert sum(blocks <= 5 for blocks in asked) >= 4


def test_what_was_signed_is_remembered_by_the_next_run(chain, member, tmp_path):
    first, second = [record("a")], [record("b")]
    ask(member, report_on(chain, first), first)
    successor = make_member(chain, tmp_path)
    ask(successor, report_on(chain, first), first)
    refuses(successor, report_on(chain, second), second, "Another batch was signed under nonce 1")


def test_of_two_rivals_asked_for_at_the_same_moment_only_one_is_signed(chain, tmp_path):
    """Two processes on one store, as two members of one key would be: the lock is SQLite's."""
    members = [make_member(chain, tmp_path) for _ in range(2)]
    batches = [[record("a")], [record("b")]]
    barrier, signed, refused = Barrier(2), [], []

    def race(member, records):
        report = report_on(chain, records)
        note = member.signings.note

        def together(*arguments):
            barrier.wait(60)
            note(*arguments)

        member.signings.note = together
        try:
            signed.append(ask(member, report, records))
        except SigningRefused as error:
            refused.append(error.summary)

    threads = [Thread(target=race, args=pair) for pair in zip(members, batches, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(signed) == 1
    assert refused == ["Another report was signed at the same moment."]


def test_no_signature_leaves_a_member_that_cannot_store_it(chain, member):
    records = [record("a")]
    with closing(sqlite3.connect(member.signings.path)) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON signed_feedback"
            " BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
        )
    with pytest.raises(StoreError, match="disk is full"):
        member.sign(report_on(chain, records), member.ledger.domain, records)
    assert member.signings.signed(1) == []


def test_a_member_whose_chain_is_gone_signs_nothing(chain, member, monkeypatch):
    records = [record("a")]
    report = report_on(chain, records)

    def unplugged(*_):
        raise OSError("unplugged")

    monkeypatch.setattr(chain.client.w3.provider, "_request", unplugged)
    with pytest.raises(ChainError):
        member.sign(report, member.ledger.domain, records)
    assert member.signings.signed(1) == []


def proof(member, expires_in=60, key=COORDINATOR.private_key, to=None, body=b"body"):
    expires = int(time.time()) + expires_in
    return authorize(body, expires, to or member.address, member.ledger.domain, key)


def test_a_coordinator_is_admitted_until_its_proof_expires(chain, member):
    assert member.admit(proof(member)) is None
    for seconds in (-1, 3_600):
        with pytest.raises(NotAuthorized, match="expired"):
            member.admit(proof(member, seconds))


def test_strangers_and_proofs_made_for_others_are_turned_away(chain, member):
    with pytest.raises(NotAuthorized, match=f"{STRANGER.address} is no coordinator"):
        member.admit(proof(member, key=STRANGER.private_key))
    with pytest.raises(NotAuthorized, match="is no coordinator"):
        member.admit(proof(member, to=ACCOUNTS[2].address))
    with pytest.raises(NotAuthorized, match="is no coordinator"):
        member.admit(replace(proof(member), body=bytes(32)))
    with pytest.raises(NotAuthorized, match="cannot belong"):
        member.admit(replace(proof(member), signature=b"\xff" * 65))
