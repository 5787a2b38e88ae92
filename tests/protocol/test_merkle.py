import json
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import BatchTooLarge, InputError
from chainrep.protocol.evidence import (
    evidence_leaf,
    evidence_record,
    evidence_tree,
    feedback_id,
    query_digest,
    sum_updates,
)
from chainrep.protocol.merkle import build_tree, prove, verify_proof
from chainrep.protocol.types import Feedback, FeedbackKind, ScoreUpdate

VECTORS = json.loads(Path("tests/vectors/evidence.json").read_text())
hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("tree", VECTORS["trees"])
def test_root_and_proofs_are_those_that_openzeppelin_accepts(tree):
    leaves = [unhex(leaf) for leaf in tree["leaves"]]
    built = build_tree(leaves)
    assert built.root == unhex(tree["root"])
    for leaf, proof in zip(leaves, tree["proofs"], strict=True):
        assert prove(built, leaf) == [unhex(sibling) for sibling in proof]


@given(hashes)
def test_every_leaf_has_a_proof_and_no_other_hash_does(leaves):
    tree = build_tree(leaves)
    for leaf in leaves:
        proof = prove(tree, leaf)
        assert verify_proof(tree.root, leaf, proof)
        assert not verify_proof(tree.root, keccak(leaf), proof)


@given(hashes, st.randoms())
def test_the_root_does_not_depend_on_the_order_of_leaves(leaves, random):
    shuffled = list(leaves)
    random.shuffle(shuffled)
    assert build_tree(shuffled).root == build_tree(leaves).root


@pytest.mark.parametrize("leaves", [[], [b"short"], [bytes(32), bytes(20)]])
def test_a_tree_needs_leaves_that_are_all_hashes(leaves):
    with pytest.raises(InputError):
        build_tree(leaves)


def test_a_leaf_that_is_not_in_the_tree_has_no_proof():
    with pytest.raises(InputError, match="not in the tree"):
        prove(build_tree([bytes(32)]), keccak(b"other"))


def test_an_endless_proof_is_refused_unread():
    assert not verify_proof(bytes(32), bytes(32), [bytes(32)] * 65)


@pytest.mark.parametrize("vector", VECTORS["records"])
def test_a_record_has_the_leaf_that_solidity_computes(vector):
    record = Feedback(
        key=vector["key"],
        source=vector["source"],
        kind=FeedbackKind(vector["kind"]),
        query_digest=unhex(vector["queryDigest"]),
        supported=vector["supported"],
        contradicted=vector["contradicted"],
        used=vector["used"],
        asked=vector["asked"],
        time=vector["time"],
        receipt=unhex(vector["receipt"]),
    )
    assert feedback_id(record.key) == unhex(vector["feedbackId"])
    assert evidence_leaf(evidence_record(record)) == unhex(vector["leaf"])


def test_a_query_is_committed_to_but_not_disclosed():
    assert query_digest("Who?", b"a" * 32) != query_digest("Who?", b"b" * 32)


def test_any_change_to_a_record_changes_the_root():
    record = Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_000)
    others = [
        Feedback("l", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_000),
        Feedback("k", 2, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_000),
        Feedback("k", 1, FeedbackKind.PEER, bytes(32), 100, 0, 100, 100, 1_700_000_000),
        Feedback("k", 1, FeedbackKind.GOLD, keccak(b""), 100, 0, 100, 100, 1_700_000_000),
        Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 0, 100, 100, 100, 1_700_000_000),
        Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_001),
        Feedback("k", 1, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_000, b"receipt"),
    ]
    roots = {evidence_tree([evidence_record(one)]).root for one in [record, *others]}
    assert len(roots) == 1 + len(others)
    shown = evidence_record(record)
    assert evidence_leaf(shown) == evidence_tree([shown]).root
    assert feedback_id("k") == keccak(text="k")


def test_the_updates_of_evidence_are_its_sums_by_source():
    records = [
        evidence_record(Feedback(key, source, FeedbackKind.USER, bytes(32), 100, 0, 7, 100, 1))
        for key, source in (("a", 9), ("b", 2), ("c", 9))
    ]
    assert sum_updates(records) == [
        ScoreUpdate(2, 100, 0, 7, 100),
        ScoreUpdate(9, 200, 0, 14, 200),
    ]


def test_evidence_beyond_what_a_batch_can_carry_is_refused():
    record = evidence_record(Feedback("a", 9, FeedbackKind.USER, bytes(32), 60_000, 0, 0, 0, 1))
    with pytest.raises(BatchTooLarge, match="source 9"):
        sum_updates([record, record])
