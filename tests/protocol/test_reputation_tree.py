import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.merkle import verify_proof
from chainrep.protocol.reputation_tree import (
    MAX_SCORE,
    TreeDomain,
    build_reputation_tree,
    reputation_leaf,
)

VECTORS = json.loads(Path("tests/vectors/reputation_tree.json").read_text())
NOBODY = "0x" + "00" * 20


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def domain_of(vector) -> TreeDomain:
    return TreeDomain(
        vector["chainId"], vector["contract"], vector["epoch"], unhex(vector["formulaHash"])
    )


DOMAIN = domain_of(VECTORS["trees"][0])
addresses = st.integers(1, 2**160 - 1).map(lambda n: to_checksum_address(f"0x{n:040x}"))
scores = st.dictionaries(addresses, st.integers(1, MAX_SCORE), max_size=20)


def holds(tree, proof) -> bool:
    leaf = reputation_leaf(tree.domain, proof.account, proof.score, proof.next)
    nodes = [proof.siblings[i : i + 20] for i in range(0, len(proof.siblings), 20)]
    return verify_proof(tree.root, leaf, nodes)


@pytest.mark.parametrize("vector", VECTORS["trees"])
def test_roots_and_proofs_are_those_that_the_contract_accepts(vector):
    given_scores = {entry["account"]: int(entry["score"]) for entry in vector["scores"]}
    tree = build_reputation_tree(given_scores, domain_of(vector))
    assert tree.root == unhex(vector["root"])
    for expected in vector["proofs"]:
        proof = tree.prove(expected["asked"])
        assert (proof.account, str(proof.score), proof.next, proof.siblings) == (
            expected["account"],
            expected["score"],
            expected["next"],
            unhex(expected["siblings"]),
        )


@given(scores, addresses)
def test_every_account_is_proven_present_with_its_score_or_absent(given_scores, stranger):
    tree = build_reputation_tree(given_scores, DOMAIN)
    for account in [*given_scores, stranger]:
        proof = tree.prove(account)
        assert holds(tree, proof)
        if account in given_scores:
            assert (proof.account, proof.score) == (account, given_scores[account])
        else:
            assert int(proof.account, 16) < int(account, 16)
            assert proof.next == NOBODY or int(account, 16) < int(proof.next, 16)


@given(scores.filter(bool))
def test_no_proof_holds_for_another_score_or_in_another_place(given_scores):
    tree = build_reputation_tree(given_scores, DOMAIN)
    proof = tree.prove(next(iter(given_scores)))
    assert not holds(tree, replace(proof, score=proof.score ^ 1))
    for change in ({"chain_id": 2}, {"epoch": 9}, {"formula_hash": bytes(32)}):
        assert not holds(replace(tree, domain=replace(DOMAIN, **change)), proof)


def test_an_epoch_without_scores_still_proves_that_nobody_has_one():
    tree = build_reputation_tree({}, DOMAIN)
    proof = tree.prove(VECTORS["trees"][0]["contract"])
    assert (proof.account, proof.score, proof.next, proof.siblings) == (NOBODY, 0, NOBODY, b"")


def test_the_order_in_which_scores_come_does_not_matter():
    accounts = [to_checksum_address(f"0x{n:040x}") for n in (5, 3, 9)]
    one = build_reputation_tree(dict.fromkeys(accounts, 7), DOMAIN)
    other = build_reputation_tree(dict.fromkeys(reversed(accounts), 7), DOMAIN)
    assert one.root == other.root


@pytest.mark.parametrize(
    "bad",
    [
        {NOBODY: 1},
        {"0x" + "11" * 20: 0},
        {"0x" + "11" * 20: MAX_SCORE + 1},
        {"nobody": 1},
        {"0x" + "aa" * 20: 1, "0x" + "AA" * 20: 2},
    ],
)
def test_a_tree_refuses_what_it_cannot_hold(bad):
    with pytest.raises(InputError):
        build_reputation_tree(bad, DOMAIN)


def test_the_zero_address_has_no_proof():
    with pytest.raises(InputError, match="zero address"):
        build_reputation_tree({}, DOMAIN).prove(NOBODY)
