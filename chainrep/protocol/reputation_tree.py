"""What one epoch's reputations are on the chain: leaves, proofs, and when a proof holds.

Nodes are the first 20 bytes of a keccak256: a proof is paid for by the byte. Leaves are chained in
order of account, each naming the next higher one, and begin with a leaf of account zero; so one
leaf's proof shows either its own score or that no account between it and the next has one.
`chainrep.reputation.score_tree` builds the tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.merkle import MAX_PROOF, verify_proof

NODE_BYTES = 20
MAX_SCORE = 2**64 - 1
MAX_EPOCH = 2**40 - 1
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}", re.ASCII)


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


def proves(domain: TreeDomain, proof: ScoreProof, root: bytes) -> bool:
    """Whether the proof's leaf stands under the root; a malformed proof proves nothing.

    Raises InputError for a domain that cannot be.
    """
    prefix = leaf_prefix(domain)
    siblings = proof.siblings
    if len(siblings) % NODE_BYTES or len(siblings) > MAX_PROOF * NODE_BYTES:
        return False
    try:
        leaf = _hash_leaf(prefix, proof.account, proof.score, proof.next)
    except InputError:
        return False
    nodes = [siblings[i : i + NODE_BYTES] for i in range(0, len(siblings), NODE_BYTES)]
    return verify_proof(root, leaf, nodes)


def proven_score(domain: TreeDomain, proof: ScoreProof, root: bytes, account: str) -> int | None:
    """The account's score under the root: 0 where it is proven to have none.

    None where the proof shows neither, as of the zero address always. Raises InputError for no
    address, and as `proves`.
    """
    asked = address_number(account)
    if asked == 0 or not proves(domain, proof, root):
        return None
    low, after = address_number(proof.account), address_number(proof.next)
    if asked == low:
        return proof.score
    return 0 if low < asked and (asked < after or after == 0) else None


def reputation_leaf(domain: TreeDomain, account: str, score: int, next_account: str) -> bytes:
    """The 20-byte node of one leaf; raise InputError for a value out of range."""
    return _hash_leaf(leaf_prefix(domain), account, score, next_account)


def leaf_prefix(domain: TreeDomain) -> bytes:
    """The 128 bytes with which every leaf of a tree begins; raise InputError out of range."""
    if not 0 <= domain.chain_id < 2**256:
        raise InputError("A chain id lies in 0..2^256 - 1.")
    if not 0 <= domain.epoch <= MAX_EPOCH:
        raise InputError(f"An epoch lies in 0..{MAX_EPOCH}.")
    if len(domain.formula_hash) != 32:
        raise InputError(f"A formula hash has 32 bytes, not {len(domain.formula_hash)}.")
    words = (domain.chain_id, address_number(domain.contract), domain.epoch)
    return b"".join(word.to_bytes(32) for word in words) + domain.formula_hash


def address_number(account: str) -> int:
    """The address as a number; raise InputError for anything but 0x and 40 digits."""
    if not isinstance(account, str) or not _ADDRESS.fullmatch(account):
        raise InputError(f"{str(account)[:80]!r} is no address.")
    return int(account, 16)


def _hash_leaf(prefix: bytes, account: str, score: int, next_account: str) -> bytes:
    """ABI-encoded and hashed twice, so that no inner node, hashed once, can pass for a leaf."""
    if not 0 <= score <= MAX_SCORE:
        raise InputError(f"A score lies in 0..{MAX_SCORE}.")
    words = (address_number(account), score, address_number(next_account))
    return keccak(keccak(prefix + b"".join(word.to_bytes(32) for word in words)))[:NODE_BYTES]
