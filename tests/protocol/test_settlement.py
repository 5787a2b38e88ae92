"""Settlements: signed here as ReputationRoots checks them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import SignatureError
from chainrep.protocol.settlement import (
    RootsDomain,
    Settlement,
    collect_settlement,
    recover_settler,
    settlement_digest,
    sign_settlement,
)

VECTORS = json.loads(Path("tests/vectors/settlement.json").read_text())
DOMAIN = RootsDomain(VECTORS["domain"]["chainId"], VECTORS["domain"]["verifyingContract"])
ACCOUNTS = dev_accounts(4)[1:]


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def read(vector):
    return Settlement(
        committee=vector["committee"],
        nonce=int(vector["nonce"]),
        deadline=int(vector["deadline"]),
        epoch=int(vector["epoch"]),
        attempt=int(vector["attempt"]),
        root=unhex(vector["root"]),
        snapshot_hash=unhex(vector["snapshotHash"]),
    )


FIRST = read(VECTORS["settlements"][0])


@pytest.mark.parametrize("vector", VECTORS["settlements"])
def test_digests_and_signatures_are_those_of_the_vectors(vector):
    settlement = read(vector)
    assert settlement_digest(settlement, DOMAIN) == unhex(vector["digest"])
    for account, signature in zip(ACCOUNTS, vector["signatures"], strict=True):
        assert sign_settlement(settlement, DOMAIN, account.private_key) == unhex(signature)
        assert recover_settler(settlement, DOMAIN, unhex(signature)) == account.address


@pytest.mark.parametrize(
    "change",
    [{"committee": 9}, {"nonce": 9}, {"deadline": 9}, {"epoch": 9}, {"attempt": 9},
     {"root": b"\x09" * 20}, {"snapshot_hash": b"\x09" * 32}],
)  # fmt: skip
def test_a_signature_is_good_for_nothing_else(change):
    signature = sign_settlement(FIRST, DOMAIN, ACCOUNTS[0].private_key)
    assert recover_settler(replace(FIRST, **change), DOMAIN, signature) != ACCOUNTS[0].address


def test_the_digest_is_the_one_the_contract_computes(session):
    roots = session.roots()
    committee = roots.committee()
    settlement = replace(FIRST, committee=committee.version, attempt=0)
    assert roots.settlement_digest(settlement) == settlement_digest(settlement, roots.domain)


def test_signatures_stand_in_the_order_of_the_members_and_only_their_own_are_taken():
    members = [account.address for account in ACCOUNTS]
    signatures = {
        account.address: sign_settlement(FIRST, DOMAIN, account.private_key)
        for account in (ACCOUNTS[2], ACCOUNTS[0])
    }
    signed = collect_settlement(FIRST, DOMAIN, members, signatures)
    assert signed.signer_mask == 0b101
    assert signed.signatures == signatures[members[0]] + signatures[members[2]]
    with pytest.raises(SignatureError, match="another key"):
        collect_settlement(FIRST, DOMAIN, members, {members[1]: signatures[members[0]]})


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 65])
def test_bytes_that_no_key_can_have_made_are_refused(signature):
    with pytest.raises(SignatureError):
        recover_settler(FIRST, DOMAIN, signature)


def test_only_the_form_that_the_contracts_take_is_taken():
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signature = sign_settlement(FIRST, DOMAIN, ACCOUNTS[0].private_key)
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    for other in (
        r + (order - s).to_bytes(32) + bytes([55 - v]),
        signature[:64] + bytes([v - 27]),
        signature[:64] + bytes([v + 10]),
        signature + b"\x00",
    ):
        with pytest.raises(SignatureError):
            recover_settler(FIRST, DOMAIN, other)
