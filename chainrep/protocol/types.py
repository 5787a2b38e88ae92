"""The protocol's nouns. Counters are integers in 1/100 of a unit of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

EVIDENCE_UNIT = 100
"""One unit of evidence (one judgement at full weight), in the ledger's counters."""

MAX_SOURCE = 2**32 - 1
MAX_DELTA = 2**16 - 1
MAX_COUNTER = 2**48 - 1
MAX_RECEIPT = 1_024
"""Bytes of a source's receipt that a feedback record may carry."""


class FeedbackKind(IntEnum):
    """Where a judgement comes from; the number is part of the evidence leaf."""

    GOLD = 0
    USER = 1
    PEER = 2


@dataclass(frozen=True, slots=True)
class Feedback:
    """One judgement of one source on one query.

    ``key`` is the idempotency key: the same key is never counted twice. ``query_digest`` is a
    salted 32-byte digest, because queries never reach the chain. The four counters are integers
    0..65,535 in 1/100 of a unit of evidence, ``time`` is in Unix seconds. ``receipt`` is what the
    source signed for its answer, at most 1,024 bytes; b"" where it signs none.
    """

    key: str
    source: int
    kind: FeedbackKind
    query_digest: bytes
    supported: int
    contradicted: int
    used: int
    asked: int
    time: int
    receipt: bytes = b""


@dataclass(frozen=True, slots=True)
class ScoreUpdate:
    """What one batch adds to one source: four counters 0..65,535, in 1/100 of a unit."""

    source: int
    supported: int
    contradicted: int
    used: int
    asked: int


@dataclass(frozen=True, slots=True)
class Score:
    """The ledger's record of one source: four running counters and the last update's time."""

    source: int
    supported: int = 0
    contradicted: int = 0
    used: int = 0
    asked: int = 0
    updated_at: int = 0

    @property
    def evidence(self) -> float:
        """Judged answers, in units of evidence: supported + contradicted."""
        return (self.supported + self.contradicted) / EVIDENCE_UNIT

    @property
    def reliability(self) -> float:
        """Mean of the Beta posterior under a uniform prior: (s + 1) / (s + c + 2), in 0..1."""
        return (self.supported / EVIDENCE_UNIT + 1) / (self.evidence + 2)

    @property
    def usefulness(self) -> float:
        """How often an answer of this source was used when asked, under the same prior."""
        return (self.used / EVIDENCE_UNIT + 1) / (self.asked / EVIDENCE_UNIT + 2)


@dataclass(frozen=True, slots=True)
class Report:
    """What the committee signs: packed updates, bound to a place in the ledger's history."""

    committee: int
    nonce: int
    deadline: int
    evidence_root: bytes
    updates: bytes


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A report with its signatures: bit i of ``signer_mask`` set means member i signed.

    ``signatures`` holds one per set bit, in ascending order of the members: `join_signatures`.
    """

    report: Report
    signer_mask: int
    signatures: bytes
