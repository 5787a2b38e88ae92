"""The evidence behind a batch: one Merkle leaf per feedback record.

A leaf is keccak256(keccak256(abi.encode(feedback id, source, kind, query digest, supported,
contradicted, used, asked, time))): hashed twice, so that no inner node can pass for a leaf.
"""

from __future__ import annotations

from collections.abc import Iterable

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainrep.protocol.merkle import MerkleTree, build_tree
from chainrep.protocol.types import Feedback

_LEAF_TYPES = (
    "bytes32",
    "uint32",
    "uint8",
    "bytes32",
    "uint16",
    "uint16",
    "uint16",
    "uint16",
    "uint40",
)


def query_digest(query: str, salt: bytes) -> bytes:
    """The 32-byte digest under which a query may be committed to without being disclosed."""
    return keccak(salt + query.encode())


def feedback_id(key: str) -> bytes:
    """The 32-byte form of an idempotency key."""
    return keccak(text=key)


def evidence_leaf(feedback: Feedback) -> bytes:
    """The 32-byte leaf of one record."""
    encoded = encode(
        _LEAF_TYPES,
        (
            feedback_id(feedback.key),
            feedback.source,
            int(feedback.kind),
            feedback.query_digest,
            feedback.supported,
            feedback.contradicted,
            feedback.used,
            feedback.asked,
            feedback.time,
        ),
    )
    return keccak(keccak(encoded))


def evidence_tree(records: Iterable[Feedback]) -> MerkleTree:
    """The tree whose root a report carries; raise InputError without records."""
    return build_tree(evidence_leaf(record) for record in records)
