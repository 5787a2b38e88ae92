"""Claims of a score: read as they were written, and believed only with their proof."""

import json
from dataclasses import replace

import pytest

from chainrep.errors import InputError
from chainrep.protocol.reputation_tree import ScoreProof, TreeDomain
from chainrep.protocol.score_claim import MAX_BYTES, claim_fields, claim_from, read_claim
from tests.tools import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "reputation_tree.json").read_text())


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def cases():
    for tree in VECTORS["trees"]:
        place = (tree["chainId"], tree["contract"], tree["epoch"], unhex(tree["formulaHash"]))
        scores = {entry["account"]: int(entry["score"]) for entry in tree["scores"]}
        for each in tree["proofs"]:
            siblings = unhex(each["siblings"])
            proof = ScoreProof(each["account"], int(each["score"]), each["next"], siblings)
            claim = claim_from(TreeDomain(*place), each["asked"], proof)
            yield claim, unhex(tree["root"]), scores.get(each["asked"], 0)


CASES = list(cases())


def test_a_claim_holds_under_its_root_and_with_its_score_only():
    for claim, root, score in CASES:
        assert claim.score == score
        assert claim.holds(root)
        assert not claim.holds(bytes(20))
        assert not replace(claim, score=score + 1).holds(root)
        assert not replace(claim, account="0x" + "01" * 20).holds(root) or score == 0
        moved = replace(claim.domain, epoch=claim.domain.epoch ^ 1)
        assert not replace(claim, domain=moved).holds(root)


def test_a_claim_is_read_as_it_was_written_whatever_stands_beside_it():
    for claim, _, _ in CASES:
        fields = claim_fields(claim)
        assert read_claim(json.dumps(fields).encode()) == claim
        assert read_claim(json.dumps(fields | {"root": "0x00"}, indent=1).encode()) == claim


GOOD = claim_fields(CASES[-1][0])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"1", b"\xff", b"[" * 5_000, b" " * (MAX_BYTES + 1),
        *(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode() for name in GOOD),
        *(
            json.dumps(GOOD | change).encode()
            for change in [
                {"chain_id": "1"}, {"chain_id": -1}, {"chain_id": True}, {"epoch": 1.5},
                {"score": 2**256}, {"account": "0x12"}, {"account": None}, {"contract": 7},
                {"formula_hash": "0x00"}, {"formula_hash": "00" * 32}, {"proof": []},
                {"proof": GOOD["proof"] | {"siblings": "0x0"}},
                {"proof": GOOD["proof"] | {"siblings": "0x" + "00" * 20 * 65}},
                {"proof": GOOD["proof"] | {"next": "zed"}},
            ]
        ),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_refused(content):
    with pytest.raises(InputError, match="no proof of a score"):
        read_claim(content)


def test_siblings_that_are_no_whole_nodes_prove_nothing():
    claim, root, _ = CASES[-1]
    odd = replace(claim.proof, siblings=claim.proof.siblings + b"\x00")
    assert not replace(claim, proof=odd).holds(root)
