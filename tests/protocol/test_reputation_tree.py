import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.reputation_tree import (
    MAX_EPOCH,
    MAX_SCORE,
    ScoreProof,
    TreeDomain,
    proven_score,
    proves,
    reputation_leaf,
)

VECTORS = json.loads(Path("tests/vectors/reputation_tree.json").read_text())
NOBODY = "0x" + "00" * 20
HIGHEST = "0x" + "ff" * 20


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def domain_of(vector) -> TreeDomain:
    return TreeDomain(
        vector["chainId"], vector["contract"], vector["epoch"], unhex(vector["formulaHash"])
    )


def proofs_of(vector):
    for entry in vector["proofs"]:
        siblings = unhex(entry["siblings"])
        proof = ScoreProof(entry["account"], int(entry["score"]), entry["next"], siblings)
        yield entry["asked"], proof


CASES = [
    (domain_of(vector), unhex(vector["root"]), asked, proof)
    for vector in VECTORS["trees"]
    for asked, proof in proofs_of(vector)
]
DOMAIN, ROOT, ASKED, PROOF = next(case for case in CASES if case[2] == case[3].account)
cases = st.sampled_from(CASES)


@pytest.mark.parametrize("vector", VECTORS["trees"])
def test_the_proofs_that_the_contract_accepts_show_presence_or_absence(vector):
    domain, root = domain_of(vector), unhex(vector["root"])
    scores = {entry["account"]: int(entry["score"]) for entry in vector["scores"]}
    for asked, proof in proofs_of(vector):
        assert proves(domain, proof, root)
        assert proven_score(domain, proof, root, asked) == scores.get(asked, 0)


@given(cases, st.sampled_from(["account", "score", "next", "siblings", "root"]), st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(case, part, data):
    domain, root, asked, proof = case
    if part == "root":
        root = flipped(root, data)
    elif part == "score":
        proof = replace(proof, score=proof.score ^ 1 << data.draw(st.integers(0, 63)))
    elif part == "siblings":
        longer = flipped(proof.siblings, data) if proof.siblings else bytes(20)
        proof = replace(proof, siblings=longer)
    else:
        changed = flipped(unhex(getattr(proof, part)), data)
        proof = replace(proof, **{part: "0x" + changed.hex()})
    assert not proves(domain, proof, root)
    assert proven_score(domain, proof, root, asked) is None


def flipped(content: bytes, data) -> bytes:
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    return (int.from_bytes(content) ^ 1 << bit).to_bytes(len(content))


@pytest.mark.parametrize(
    "change",
    [{"chain_id": 2}, {"epoch": 9}, {"formula_hash": bytes(32)}, {"contract": HIGHEST}],
)
def test_no_proof_holds_in_another_place(change):
    assert not proves(replace(DOMAIN, **change), PROOF, ROOT)


@pytest.mark.parametrize("asked", [HIGHEST, "0x" + "00" * 19 + "01"])
def test_a_proof_says_nothing_of_an_account_that_it_does_not_speak_of(asked):
    domain, root, _, proof = next(
        case for case in CASES if NOBODY not in {case[3].account, case[3].next}
    )
    assert proves(domain, proof, root)
    assert proven_score(domain, proof, root, asked) is None


def test_the_zero_account_has_no_proven_score():
    domain, root, _, proof = CASES[0]
    assert proof.account == NOBODY
    assert proven_score(domain, proof, root, NOBODY) is None


@pytest.mark.parametrize(
    "malformed",
    [
        {"account": "nobody"},
        {"next": "0x12"},
        {"account": "0x" + "０" * 40},
        {"score": -1},
        {"score": MAX_SCORE + 1},
        {"siblings": bytes(19)},
        {"siblings": bytes(20 * 65)},
    ],
)
def test_a_malformed_proof_proves_nothing(malformed):
    assert not proves(DOMAIN, replace(PROOF, **malformed), ROOT)


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": -1},
        {"chain_id": 2**256},
        {"epoch": MAX_EPOCH + 1},
        {"formula_hash": bytes(31)},
        {"contract": "0x"},
    ],
)
def test_a_domain_that_cannot_be_is_refused(change):
    domain = replace(DOMAIN, **change)
    with pytest.raises(InputError):
        reputation_leaf(domain, HIGHEST, 1, NOBODY)
    with pytest.raises(InputError):
        proves(domain, PROOF, ROOT)


def test_checking_a_proof_loads_no_numba():
    program = "import sys, chainrep.protocol.reputation_tree; print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout == b"False\n"
