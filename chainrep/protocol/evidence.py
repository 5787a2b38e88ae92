"""The evidence behind a batch: one Merkle leaf per feedback record.

A leaf is keccak256(keccak256(abi.encode(feedback id, source, kind, query digest, supported,
contradicted, used, asked, time, receipt digest))): hashed twice, so that no inner node can pass
for a leaf. The receipt digest is keccak256 of the source's receipt, or zero without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrep.errors import BatchTooLarge
from chainrep.protocol.keccak import keccak
from chainrep.protocol.merkle import MerkleTree, build_tree
from chainrep.protocol.types import MAX_DELTA, Feedback, FeedbackKind, ScoreUpdate

MAX_RECORDS = 20_000
"""Feedback records that one batch may stand on."""

_NO_RECEIPT = bytes(32)


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A feedback record as others may see it: its key is hashed, its query only a digest.

    ``id`` has 32 bytes; ``receipt`` is what the source signed for its answer, b"" without one.
    """

    id: bytes
    source: int
    kind: FeedbackKind
    query_digest: bytes
    supported: int
    contradicted: int
    used: int
    asked: int
    time: int
    receipt: bytes = b""


def query_digest(query: str, salt: bytes) -> bytes:
    """The 32-byte digest under which a query may be committed to without being disclosed."""
    return keccak(salt + query.encode())


def feedback_id(key: str) -> bytes:
    """The 32-byte form of an idempotency key."""
    return keccak(key.encode())


def evidence_record(feedback: Feedback) -> EvidenceRecord:
    """What may be shown of a feedback record."""
    return EvidenceRecord(
        id=feedback_id(feedback.key),
        source=feedback.source,
        kind=feedback.kind,
        query_digest=feedback.query_digest,
        supported=feedback.supported,
        contradicted=feedback.contradicted,
        used=feedback.used,
        asked=feedback.asked,
        time=feedback.time,
        receipt=feedback.receipt,
    )


def evidence_leaf(record: EvidenceRecord) -> bytes:
    """The 32-byte leaf of one record."""
    numbers = (record.supported, record.contradicted, record.used, record.asked, record.time)
    encoded = b"".join(
        (
            record.id,
            record.source.to_bytes(32),
            int(record.kind).to_bytes(32),
            record.query_digest,
            *(number.to_bytes(32) for number in numbers),
            keccak(record.receipt) if record.receipt else _NO_RECEIPT,
        )
    )
    return keccak(keccak(encoded))


def evidence_tree(records: Iterable[EvidenceRecord]) -> MerkleTree:
    """The tree whose root a report carries; raise InputError without records."""
    return build_tree(evidence_leaf(record) for record in records)


def sum_updates(records: Iterable[EvidenceRecord]) -> Sequence[ScoreUpdate]:
    """The updates that the records add up to, ids ascending.

    Raises BatchTooLarge where a counter of one source passes 65,535 hundredths.
    """
    sums: dict[int, list[int]] = {}
    for record in records:
        total = sums.setdefault(record.source, [0, 0, 0, 0])
        total[0] += record.supported
        total[1] += record.contradicted
        total[2] += record.used
        total[3] += record.asked
    for source, total in sums.items():
        if max(total) > MAX_DELTA:
            raise BatchTooLarge(
                f"The evidence on source {source} is more than one batch can carry.",
                "Split it over several batches.",
            )
    return [ScoreUpdate(source, *sums[source]) for source in sorted(sums)]
