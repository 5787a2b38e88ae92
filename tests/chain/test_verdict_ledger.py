"""The verdict ledger on a real chain."""

from dataclasses import replace

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import CallRefused, NotDeployed
from chainrep.protocol.verdict import ReceiptVerdict, Verdict, receipt_name
from chainrep.protocol.verdict_batch import (
    VerdictReport,
    collect_verdicts,
    pack_verdicts,
    sign_verdicts,
    verdicts_digest,
)

ACCOUNTS = dev_accounts(10)
PROVIDER = ACCOUNTS[5].address
DIGEST = bytes(range(1, 33))
ENTRY = ReceiptVerdict(bytes.fromhex(PROVIDER[2:]), receipt_name(DIGEST), Verdict.INCONCLUSIVE, 9)


def decide(session, entry):
    ledger = session.verdicts()
    committee = ledger.committee()
    report = VerdictReport(
        committee.version,
        committee.next_nonce,
        session.client.now() + 60,
        b"\1" * 32,
        pack_verdicts([entry]),
    )
    assert ledger.report_digest(report) == verdicts_digest(report, ledger.domain)
    signatures = {
        account.address: sign_verdicts(report, ledger.domain, account.private_key)
        for account in ACCOUNTS[1:3]
    }
    signed = collect_verdicts(report, ledger.domain, committee.members, signatures)
    return session.client.send(ledger.verdicts_call(signed), ACCOUNTS[0].private_key)


def test_a_verdict_is_found_by_provider_and_digest_once_a_quorum_signed_it(session):
    ledger = session.verdicts()
    assert ledger.finding(PROVIDER, DIGEST) is None
    decide(session, ENTRY)
    found = ledger.finding(PROVIDER, DIGEST)
    assert (found.verdict, found.distance, found.nonce) == (Verdict.INCONCLUSIVE, 9, 1)
    assert found.time == session.client.now()
    decide(session, replace(ENTRY, verdict=Verdict.MISMATCH, distance=131))
    found = ledger.finding(PROVIDER, DIGEST)
    assert (found.verdict, found.distance, found.nonce) == (Verdict.MISMATCH, 131, 2)
    assert ledger.finding(ACCOUNTS[6].address, DIGEST) is None
    assert ledger.verdict_limit() == 500


def test_a_second_decision_is_refused_with_what_to_do(session):
    decide(session, replace(ENTRY, verdict=Verdict.MATCH))
    with pytest.raises(CallRefused, match="AlreadyDecided") as refusal:
        decide(session, replace(ENTRY, verdict=Verdict.MISMATCH))
    assert "Leave this receipt out" in refusal.value.remedy


def test_a_deployment_from_before_there_were_verdicts_says_so(session):
    older = replace(session, deployment=replace(session.deployment, verdict_ledger=""))
    with pytest.raises(NotDeployed, match="no verdict ledger") as refusal:
        older.verdicts()
    assert "--again" in refusal.value.remedy
