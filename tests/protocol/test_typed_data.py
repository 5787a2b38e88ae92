import json
from dataclasses import replace
from pathlib import Path

import pytest

from chainrep.errors import SignatureError
from chainrep.protocol.typed_data import (
    LedgerDomain,
    collect_signatures,
    recover_signer,
    report_digest,
    sign_cancellation,
    sign_report,
)
from chainrep.protocol.types import Report

VECTORS = json.loads(Path("tests/vectors/report.json").read_text())
DOMAIN = LedgerDomain(VECTORS["domain"]["chainId"], VECTORS["domain"]["verifyingContract"])
SIGNERS = [signer["address"] for signer in VECTORS["signers"]]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


KEYS = [unhex(signer["privateKey"]) for signer in VECTORS["signers"]]


def read(vector) -> Report:
    return Report(
        committee=vector["committee"],
        nonce=int(vector["nonce"]),
        deadline=int(vector["deadline"]),
        evidence_root=unhex(vector["evidenceRoot"]),
        updates=unhex(vector["updates"]),
    )


REPORT = read(VECTORS["reports"][0])


@pytest.mark.parametrize("vector", VECTORS["reports"])
def test_the_digest_is_the_one_the_ledger_computes(vector):
    assert report_digest(read(vector), DOMAIN) == unhex(vector["digest"])


@pytest.mark.parametrize("vector", VECTORS["reports"])
def test_signatures_are_the_same_everywhere_and_name_their_signer(vector):
    for key, address, signature in zip(KEYS, SIGNERS, vector["signatures"], strict=True):
        assert sign_report(read(vector), DOMAIN, key) == unhex(signature)
        assert recover_signer(read(vector), DOMAIN, unhex(signature)) == address


@pytest.mark.parametrize(
    "change",
    [
        {"committee": 2},
        {"nonce": 2},
        {"deadline": 1},
        {"evidence_root": bytes(32)},
        {"updates": bytes(12)},
    ],
)
def test_a_signature_is_good_for_one_report_only(change):
    signature = sign_report(REPORT, DOMAIN, KEYS[0])
    assert recover_signer(replace(REPORT, **change), DOMAIN, signature) != SIGNERS[0]


@pytest.mark.parametrize(
    "domain", [replace(DOMAIN, chain_id=1), replace(DOMAIN, ledger=SIGNERS[0])]
)
def test_a_signature_is_good_for_one_ledger_on_one_chain_only(domain):
    signature = sign_report(REPORT, DOMAIN, KEYS[0])
    assert recover_signer(REPORT, domain, signature) != SIGNERS[0]


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 65])
def test_a_malformed_signature_belongs_to_nobody(signature):
    with pytest.raises(SignatureError):
        recover_signer(REPORT, DOMAIN, signature)


def test_signatures_are_collected_in_the_members_order():
    signatures = {SIGNERS[i]: sign_report(REPORT, DOMAIN, KEYS[i]) for i in (2, 0)}
    signed = collect_signatures(REPORT, DOMAIN, SIGNERS, signatures)
    assert signed.signer_mask == 0b101
    assert signed.signatures == signatures[SIGNERS[0]] + signatures[SIGNERS[2]]


def test_one_members_signature_cannot_be_passed_off_as_anothers():
    forged = {SIGNERS[1]: sign_report(REPORT, DOMAIN, KEYS[0])}
    with pytest.raises(SignatureError, match=SIGNERS[1]):
        collect_signatures(REPORT, DOMAIN, SIGNERS, forged)


def test_a_contracts_signature_stands_behind_a_header_that_no_key_could_make():
    members = sorted([SIGNERS[0], "0x" + "11" * 20], key=lambda address: int(address, 16))
    contract = members.index("0x" + "11" * 20)
    own = sign_report(REPORT, DOMAIN, KEYS[0])
    signed = collect_signatures(
        REPORT, DOMAIN, members, {SIGNERS[0]: own}, {"0x" + "11" * 20: b"anything"}
    )
    header = (8).to_bytes(32) + bytes(33)
    parts = [own, own]
    parts[contract] = header + b"anything"
    assert (signed.signer_mask, signed.signatures) == (3, b"".join(parts))


def test_a_cancellation_is_signed_by_its_member():
    vector = VECTORS["cancellation"]
    for key, signature in zip(KEYS, vector["signatures"], strict=True):
        made = sign_cancellation(
            vector["committee"], vector["nonce"], vector["deadline"], DOMAIN, key
        )
        assert made == unhex(signature)


def test_only_the_form_that_the_contracts_take_is_taken():
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signature = sign_report(REPORT, DOMAIN, KEYS[0])
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    for other in (
        r + (order - s).to_bytes(32) + bytes([55 - v]),
        signature[:64] + bytes([v - 27]),
        signature[:64] + bytes([v + 10]),
        signature + b"\x00",
    ):
        with pytest.raises(SignatureError):
            recover_signer(REPORT, DOMAIN, other)
