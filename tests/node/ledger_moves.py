"""What happens on the chain around a committee member, signed by the other two."""

from chainrep.chain.devnet import dev_accounts
from chainrep.protocol.typed_data import (
    collect_signatures,
    join_signatures,
    sign_cancellation,
    sign_report,
)
from chainrep.session import OWNER

ACCOUNTS = dev_accounts(10)
STRANGER = ACCOUNTS[9]
DEEP = 3
"""Blocks after which these tests take a block for final."""


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
