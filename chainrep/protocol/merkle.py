"""A Merkle tree over nodes of 32 bytes, whose proofs OpenZeppelin's MerkleProof accepts, or over
nodes of 20 bytes, the first of each keccak256, which ReputationRoots accepts.

Leaves are sorted by hash; a pair is hashed in ascending order, so a proof needs no directions.
The tree is complete and kept in one array: node i has children 2i + 1 and 2i + 2, the leaves
stand at the end in reverse order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak

MAX_PROOF = 64
NODE_SIZES = (20, 32)


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """``nodes`` holds 2n - 1 hashes, root first, all as long as the leaves."""

    nodes: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """The hash that commits to every leaf."""
        return self.nodes[0]


def build_tree(leaves: Iterable[bytes]) -> MerkleTree:
    """Build the tree over leaf hashes of 32 or of 20 bytes; raise InputError without leaves."""
    ordered = sorted(leaves, reverse=True)
    if not ordered:
        raise InputError("A Merkle tree needs at least one leaf.")
    if len(ordered[0]) not in NODE_SIZES or len({len(leaf) for leaf in ordered}) > 1:
        raise InputError("Merkle leaves must be hashes of 32 bytes, or all of 20.")
    nodes = [b""] * (len(ordered) - 1) + ordered
    for i in range(len(ordered) - 2, -1, -1):
        nodes[i] = _hash_pair(nodes[2 * i + 1], nodes[2 * i + 2])
    return MerkleTree(tuple(nodes))


def prove(tree: MerkleTree, leaf: bytes) -> Sequence[bytes]:
    """Sibling hashes from the leaf up to the root; raise InputError if it is not in the tree."""
    first_leaf = len(tree.nodes) // 2
    try:
        i = tree.nodes.index(leaf, first_leaf)
    except ValueError:
        raise InputError(f"Leaf 0x{leaf.hex()} is not in the tree.") from None
    proof = []
    while i > 0:
        proof.append(tree.nodes[i + 1 if i % 2 else i - 1])
        i = (i - 1) // 2
    return proof


def verify_proof(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof places the leaf under the root; longer than 64 hashes is refused."""
    if len(proof) > MAX_PROOF:
        return False
    node = leaf
    for sibling in proof:
        node = _hash_pair(node, sibling)
    return node == root


def _hash_pair(a: bytes, b: bytes) -> bytes:
    return keccak(a + b if a < b else b + a)[: len(a)]
