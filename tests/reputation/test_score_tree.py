import json
from bisect import bisect_right
from pathlib import Path

import numpy as np
import pytest
import sha3
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.reputation_tree import MAX_SCORE, TreeDomain, proven_score, reputation_leaf
from chainrep.reputation import score_tree
from chainrep.reputation.keccak_lanes import absorb
from chainrep.reputation.score_tree import account_rows, build_score_tree

VECTORS = json.loads(Path("tests/vectors/reputation_tree.json").read_text())
NOBODY = "0x" + "00" * 20


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def domain_of(vector) -> TreeDomain:
    return TreeDomain(
        vector["chainId"], vector["contract"], vector["epoch"], unhex(vector["formulaHash"])
    )


DOMAIN = domain_of(VECTORS["trees"][0])
# Close together too, so that whatever compares accounts has to look at every byte.
numbers = st.one_of(st.integers(1, 2**160 - 1), st.integers(1, 600), st.just(2**160 - 256))
accounts = numbers.map(lambda number: f"0x{number:040x}")
score_maps = st.dictionaries(accounts, st.integers(1, MAX_SCORE), max_size=60)


def build(scores, domain=DOMAIN, threads=1):
    names = sorted(scores)
    values = np.array([scores[name] for name in names], np.uint64)
    return build_score_tree(account_rows(names), values, domain, threads)


def plain_nodes(scores, domain=DOMAIN) -> list[bytes]:
    """The tree as docs/protocol.md has it, one hash after the other."""
    names = [NOBODY, *sorted(scores)]
    after = [*names[1:], NOBODY]
    leaves = [
        reputation_leaf(domain, name, scores.get(name, 0), following)
        for name, following in zip(names, after, strict=True)
    ]
    nodes = [b""] * (len(leaves) - 1) + sorted(leaves, reverse=True)
    for i in reversed(range(len(leaves) - 1)):
        low, high = sorted(nodes[2 * i + 1 : 2 * i + 3])
        nodes[i] = sha3.keccak_256(low + high).digest()[:20]
    return nodes


def many(count: int, seed: int = 1) -> dict[str, int]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, MAX_SCORE, count, np.uint64, endpoint=True)
    return {"0x" + rng.bytes(20).hex(): int(score) for score in scores}


@pytest.mark.parametrize("vector", VECTORS["trees"])
def test_roots_and_proofs_are_those_that_the_contract_accepts(vector):
    scores = {entry["account"].lower(): int(entry["score"]) for entry in vector["scores"]}
    tree = build(scores, domain_of(vector))
    assert tree.root == unhex(vector["root"])
    for expected in vector["proofs"]:
        proof = tree.prove(expected["asked"])
        assert (proof.account, str(proof.score), proof.next, proof.siblings) == (
            expected["account"],
            expected["score"],
            expected["next"],
            unhex(expected["siblings"]),
        )


@settings(deadline=None)
@given(score_maps, st.integers(1, 3))
def test_every_node_is_that_of_the_plain_tree(scores, threads):
    tree = build(scores, threads=threads)
    assert [node.tobytes() for node in tree.nodes] == plain_nodes(scores)


@settings(deadline=None)
@given(score_maps, accounts)
def test_every_account_is_proven_present_with_its_score_or_absent(scores, stranger):
    tree = build(scores)
    ordered = sorted(scores)
    for account in [*scores, stranger]:
        proof = tree.prove(account)
        at = bisect_right(ordered, account)
        assert proof.account.lower() == (ordered[at - 1] if at else NOBODY)
        assert proof.next.lower() == (ordered[at] if at < len(ordered) else NOBODY)
        assert proven_score(DOMAIN, proof, tree.root, account) == scores.get(account, 0)


@pytest.mark.parametrize("leaves", [8_192, 16_500])
def test_threads_share_a_large_tree_out_and_agree_with_the_plain_one(leaves):
    scores = many(leaves - 1)
    expected = b"".join(plain_nodes(scores))
    for threads in (1, 2, 5):
        assert build(scores, threads=threads).nodes.tobytes() == expected


def test_a_large_tree_proves_in_as_many_siblings_as_it_has_rows():
    scores = many(3_000)
    tree = build(scores)
    lengths = {len(tree.prove(account).siblings) // 20 for account in list(scores)[:300]}
    assert lengths == {11, 12}


def test_an_epoch_without_scores_still_proves_that_nobody_has_one():
    tree = build({})
    proof = tree.prove(DOMAIN.contract)
    assert (proof.account, proof.score, proof.next, proof.siblings) == (NOBODY, 0, NOBODY, b"")
    assert proven_score(DOMAIN, proof, tree.root, DOMAIN.contract) == 0


def test_upper_case_letters_ask_for_the_same_account():
    scores = {"0x" + "ab" * 20: 7}
    assert build(scores).prove("0x" + "AB" * 20).score == 7


@pytest.mark.parametrize(
    ("rows", "scores"),
    [
        ([bytes(20)], [1]),
        ([b"\x11" * 20], [0]),
        ([b"\x11" * 20, b"\x11" * 20], [1, 1]),
        ([b"\x12" * 20, b"\x11" * 20], [1, 1]),
        ([b"\x11" * 19 + b"\x01", b"\x11" * 19 + b"\x00"], [1, 1]),
        ([b"\x11" * 20], [1, 2]),
        ([b"\x11" * 19], [1]),
    ],
)
def test_a_tree_refuses_what_it_cannot_hold(rows, scores):
    width = len(rows[0])
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, width)
    with pytest.raises(InputError):
        build_score_tree(table, np.array(scores, np.uint64), DOMAIN)


def test_scores_that_are_no_uint64_are_refused():
    with pytest.raises(InputError, match="uint64"):
        build_score_tree(account_rows(["0x" + "11" * 20]), np.array([1.5]), DOMAIN)


def test_a_tree_larger_than_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(score_tree, "MAX_SCORES", 2)
    with pytest.raises(InputError, match="at most 2 scores, not 3"):
        build(many(3))


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "0x" + "AB" * 20,
        "0x" + "1" * 39,
        "0X" + "11" * 20,
        "0x" + "1g" * 20,
        "0x" + "1 " * 20,
        "0x" + "é1" * 20,
        "",
    ],
)
def test_names_that_are_no_addresses_in_lower_case_are_refused(name):
    with pytest.raises(InputError, match="account is written"):
        account_rows(["0x" + "11" * 20, name])


@given(st.lists(st.binary(min_size=20, max_size=20)))
def test_names_become_the_bytes_that_they_spell(addresses):
    rows = account_rows(["0x" + address.hex() for address in addresses])
    assert (rows.shape, rows.tobytes()) == ((len(addresses), 20), b"".join(addresses))


def test_the_zero_address_has_no_proof():
    with pytest.raises(InputError, match="zero address"):
        build({}).prove(NOBODY)


def test_what_is_no_address_has_no_proof():
    with pytest.raises(InputError, match="'nobody' is no address"):
        build({}).prove("nobody")


def test_only_a_whole_block_can_be_absorbed():
    with pytest.raises(ValueError, match="136 bytes"):
        absorb(bytes(128))
