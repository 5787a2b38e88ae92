"""Verdicts: packed and signed here as the contract reads and checks them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import InputError, SignatureError
from chainrep.protocol.contract_state import extend_history
from chainrep.protocol.keccak import keccak
from chainrep.protocol.verdict import ReceiptVerdict, Verdict, receipt_name
from chainrep.protocol.verdict_batch import (
    MAX_DISTANCE,
    MAX_GROUP,
    VerdictDomain,
    VerdictReport,
    collect_verdicts,
    pack_verdicts,
    recover_verifier,
    sign_verdicts,
    unpack_verdicts,
    verdicts_digest,
)

VECTORS = json.loads(Path("tests/vectors/verdicts.json").read_text())
DOMAIN = VerdictDomain(VECTORS["domain"]["chainId"], VECTORS["domain"]["verifyingContract"])
ACCOUNTS = dev_accounts(4)[1:]
ONE = ReceiptVerdict(b"\1" * 20, b"\5" * 20, Verdict.MATCH, 12)

names = st.binary(min_size=20, max_size=20).filter(any)
some_verdicts = st.builds(
    ReceiptVerdict,
    provider=st.sampled_from([b"\1" * 20, b"\2" * 20, b"\xff" * 20]),
    receipt=names,
    verdict=st.sampled_from(Verdict),
    distance=st.integers(0, MAX_DISTANCE),
)


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def verdict_from(row):
    receipt = receipt_name(unhex(row["receipt"]))
    return ReceiptVerdict(unhex(row["provider"]), receipt, Verdict(row["verdict"]), row["distance"])


def report_from(vector):
    return VerdictReport(
        committee=vector["committee"],
        nonce=int(vector["nonce"]),
        deadline=int(vector["deadline"]),
        evidence_root=unhex(vector["evidenceRoot"]),
        verdicts=unhex(vector["verdicts"]),
    )


FIRST = report_from(VECTORS["reports"][0])


@pytest.mark.parametrize("vector", VECTORS["batches"])
def test_batches_are_packed_as_in_the_vectors_whatever_their_order(vector):
    verdicts = [verdict_from(row) for row in vector["verdicts"]]
    assert pack_verdicts(verdicts) == pack_verdicts(verdicts[::-1]) == unhex(vector["packed"])
    assert unpack_verdicts(unhex(vector["packed"])) == verdicts


@pytest.mark.parametrize("vector", VECTORS["reports"])
def test_digests_and_signatures_are_those_of_the_vectors(vector):
    report = report_from(vector)
    assert verdicts_digest(report, DOMAIN) == unhex(vector["digest"])
    for account, signature in zip(ACCOUNTS, vector["signatures"], strict=True):
        assert sign_verdicts(report, DOMAIN, account.private_key) == unhex(signature)
        assert recover_verifier(report, DOMAIN, unhex(signature)) == account.address


def test_histories_roll_as_in_the_vectors():
    history = 0
    for row in VECTORS["histories"]:
        root, verdicts = unhex(row["evidenceRoot"]), keccak(unhex(row["verdicts"]))
        entry = (int(row["nonce"]), int(row["time"]), row["signerMask"], root, verdicts)
        history = extend_history(history, *entry)
        assert history.to_bytes(20) == unhex(row["history"])


@given(
    st.lists(some_verdicts, min_size=1, max_size=30, unique_by=lambda v: (v.provider, v.receipt))
)
def test_whatever_is_packed_is_read_back_in_order(verdicts):
    expected = sorted(verdicts, key=lambda entry: (entry.provider, entry.receipt))
    assert unpack_verdicts(pack_verdicts(verdicts)) == expected


@given(st.lists(some_verdicts, min_size=1, max_size=3), st.data())
def test_what_is_read_from_any_bytes_has_these_as_its_one_encoding(verdicts, data):
    packed = bytearray(pack_verdicts({(v.provider, v.receipt): v for v in verdicts}.values()))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    try:
        found = unpack_verdicts(cut)
    except InputError:
        return
    assert pack_verdicts(found) == cut


def test_a_receipt_has_one_verdict_per_batch_and_a_copy_by_another_provider_its_own():
    with pytest.raises(InputError, match="two verdicts"):
        pack_verdicts([ONE, replace(ONE, verdict=Verdict.INCONCLUSIVE)])
    assert len(unpack_verdicts(pack_verdicts([ONE, replace(ONE, provider=b"\2" * 20)]))) == 2


@pytest.mark.parametrize(
    "change",
    [{"provider": bytes(20)}, {"provider": b"\1" * 32}, {"receipt": b"\1" * 32},
     {"distance": -1}, {"distance": MAX_DISTANCE + 1}],
)  # fmt: skip
def test_what_does_not_fit_is_not_packed(change):
    with pytest.raises(InputError):
        pack_verdicts([replace(ONE, **change)])


def test_a_batch_has_at_most_255_verdicts_on_one_provider():
    many = [replace(ONE, receipt=i.to_bytes(20)) for i in range(1, MAX_GROUP + 2)]
    assert len(unpack_verdicts(pack_verdicts(many[:-1]))) == MAX_GROUP
    with pytest.raises(InputError, match="at most 255"):
        pack_verdicts(many)


GROUP = pack_verdicts([ONE])
LATER = pack_verdicts([replace(ONE, provider=b"\2" * 20)])


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        GROUP[:-1],
        GROUP + b"\0",
        GROUP[:20],
        GROUP[:20] + b"\0",
        GROUP[:20] + b"\2" + GROUP[21:],
        GROUP + GROUP,
        LATER + GROUP,
        bytes(20) + GROUP[20:],
        GROUP[:20] + b"\2" + GROUP[21:] * 2,
        GROUP[:21] + bytes(20) + GROUP[41:],
        GROUP[:41] + b"\0\x0c",
    ],
)
def test_bytes_that_the_contract_would_not_take_are_refused(packed):
    with pytest.raises(InputError):
        unpack_verdicts(packed)


@pytest.mark.parametrize(
    "change",
    [{"committee": 9}, {"nonce": 9}, {"deadline": 9}, {"evidence_root": b"\x09" * 32},
     {"verdicts": GROUP}],
)  # fmt: skip
def test_a_signature_is_good_for_nothing_else(change):
    signature = sign_verdicts(FIRST, DOMAIN, ACCOUNTS[0].private_key)
    assert recover_verifier(replace(FIRST, **change), DOMAIN, signature) != ACCOUNTS[0].address


def test_signatures_stand_in_the_order_of_the_members_and_only_their_own_are_taken():
    members = [account.address for account in ACCOUNTS]
    signatures = {
        account.address: sign_verdicts(FIRST, DOMAIN, account.private_key)
        for account in (ACCOUNTS[2], ACCOUNTS[0])
    }
    signed = collect_verdicts(FIRST, DOMAIN, members, signatures)
    assert signed.signer_mask == 0b101
    assert signed.signatures == signatures[members[0]] + signatures[members[2]]
    with pytest.raises(SignatureError, match="another key"):
        collect_verdicts(FIRST, DOMAIN, members, {members[1]: signatures[members[0]]})
