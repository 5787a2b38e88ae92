"""The Merkle tree of one epoch's reputations, and the proofs that ReputationRoots accepts.

Nodes are the first 20 bytes of a keccak256: a proof is paid for by the byte. Leaves are chained in
order of account, each naming the next higher one, and begin with a leaf of account zero; so one
leaf's proof shows either its own score or that no account between it and the next has one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.merkle import MerkleTree, build_tree, prove

NODE_BYTES = 20
MAX_SCORE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class TreeDomain:
    """The one place where a leaf means anything: chain, contract, epoch, formula."""

    chain_id: int
    contract: str
    epoch: int
    formula_hash: bytes


@dataclass(frozen=True, slots=True)
class ScoreProof:
    """A leaf and its packed siblings, 20 bytes each from the leaf to the root.

    For an account without a score it is the leaf below it: `account` then differs from who was
    asked for.
    """

    account: str
    score: int
    next: str
    siblings: bytes


@dataclass(frozen=True, slots=True)
class ReputationTree:
    """``accounts`` ascend from the zero account; ``scores[i]`` is that of ``accounts[i]``."""

    domain: TreeDomain
    accounts: Sequence[int]
    scores: Sequence[int]
    tree: MerkleTree

    @property
    def root(self) -> bytes:
        """The 20 bytes that go on the chain."""
        return self.tree.root

    def prove(self, account: str) -> ScoreProof:
        """Prove the account's score, or that it has none; raise InputError for no address."""
        number = _number(account)
        if number == 0:
            raise InputError("The zero address has no reputation.")
        i = bisect_right(self.accounts, number) - 1
        found, score, after = self.accounts[i], self.scores[i], _next(self.accounts, i)
        leaf = _hash_leaf(_prefix(self.domain), found, score, after)
        return ScoreProof(_address(found), score, _address(after), b"".join(prove(self.tree, leaf)))


def build_reputation_tree(scores: Mapping[str, int], domain: TreeDomain) -> ReputationTree:
    """Build the tree over the scores by address, each 1..2^64 - 1; raise InputError otherwise."""
    by_number = {_number(account): score for account, score in scores.items()}
    if len(by_number) != len(scores) or 0 in by_number:
        raise InputError("Every account may appear once, and the zero address never.")
    if not all(0 < score <= MAX_SCORE for score in scores.values()):
        raise InputError(f"A score in the tree lies in 1..{MAX_SCORE}; leave out what has none.")
    accounts = [0, *sorted(by_number)]
    ordered = [0, *(by_number[account] for account in accounts[1:])]
    prefix = _prefix(domain)
    leaves = [
        _hash_leaf(prefix, account, ordered[i], _next(accounts, i))
        for i, account in enumerate(accounts)
    ]
    return ReputationTree(domain, accounts, ordered, build_tree(leaves))


def reputation_leaf(domain: TreeDomain, account: str, score: int, next_account: str) -> bytes:
    """The 20-byte node of one leaf."""
    return _hash_leaf(_prefix(domain), _number(account), score, _number(next_account))


def _prefix(domain: TreeDomain) -> bytes:
    words = (domain.chain_id, _number(domain.contract), domain.epoch)
    return b"".join(word.to_bytes(32) for word in words) + domain.formula_hash


def _hash_leaf(prefix: bytes, account: int, score: int, next_account: int) -> bytes:
    """ABI-encoded and hashed twice, so that no inner node, hashed once, can pass for a leaf."""
    words = (account, score, next_account)
    return keccak(keccak(prefix + b"".join(word.to_bytes(32) for word in words)))[:NODE_BYTES]


def _next(accounts: Sequence[int], i: int) -> int:
    return accounts[i + 1] if i + 1 < len(accounts) else 0


def _address(number: int) -> str:
    return to_checksum_address(f"0x{number:040x}")


def _number(account: str) -> int:
    try:
        return int(to_checksum_address(account), 16)
    except (TypeError, ValueError) as error:
        raise InputError(f"{account!r} is no address.") from error
