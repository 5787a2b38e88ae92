"""Reports for a committee member to sign, and what the other two do on the chain meanwhile."""

import time
from dataclasses import replace

from chainrep.chain.devnet import dev_accounts
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree, feedback_id, sum_updates
from chainrep.protocol.typed_data import (
    collect_signatures,
    join_signatures,
    sign_cancellation,
    sign_report,
)
from chainrep.protocol.types import FeedbackKind, Report
from chainrep.session import OWNER

ACCOUNTS = dev_accounts(10)
STRANGER = ACCOUNTS[9]
DEEP = 3
"""Blocks after which these tests take a block for final."""


def record(key, source=1, supported=100, **changes):
    fields = {
        "id": feedback_id(key), "source": source, "kind": FeedbackKind.GOLD,
        "query_digest": bytes(32), "supported": supported, "contradicted": 0, "used": 0,
        "asked": 100, "time": int(time.time()),
    }  # fmt: skip
    return EvidenceRecord(**fields | changes)


def report_on(session, records, ahead=0, **changes):
    committee = session.ledger.committee()
    report = Report(
        committee=committee.version,
        nonce=committee.next_nonce + ahead,
        deadline=session.client.now() + 3_600,
        evidence_root=evidence_tree(records).root,
        updates=session.ledger.pack(sum_updates(records)),
    )
    return replace(report, **changes)


def apply(session, report):
    domain, committee = session.ledger.domain, session.ledger.committee()
    signatures = {
        account.address: sign_report(report, domain, account.private_key)
        for account in (ACCOUNTS[2], ACCOUNTS[3])
    }
    signed = collect_signatures(report, domain, committee.members, signatures)
    session.client.send(session.ledger.batch_call(signed), ACCOUNTS[OWNER].private_key)


def cancel(session, nonce):
    committee, deadline = session.ledger.committee(), session.client.now() + 600
    domain = session.ledger.domain
    signatures = {
        account.address: sign_cancellation(
            committee.version, nonce, deadline, domain, account.private_key
        )
        for account in (ACCOUNTS[2], ACCOUNTS[3])
    }
    mask, joined = join_signatures(committee.members, signatures)
    call = session.ledger.cancel_call(nonce, deadline, mask, joined)
    session.client.send(call, ACCOUNTS[OWNER].private_key)


def confirm(session):
    for _ in range(DEEP):
        call = {"to": STRANGER.address, "value": 1}
        session.client.send(call, ACCOUNTS[OWNER].private_key)


def pass_time(session, seconds):
    session.client.w3.provider.make_request("testing_timeTravel", [session.client.now() + seconds])
