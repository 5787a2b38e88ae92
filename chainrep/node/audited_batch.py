"""What an audit finds out about one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What an audit comes to."""

    FITS = "fits"
    DOES_NOT_FIT = "does not fit"
    INCONCLUSIVE = "inconclusive"


class Step(StrEnum):
    """Where on the road something was found, in its order."""

    EVENT = "event"
    EVIDENCE = "evidence"
    FILE = "evidence file"
    ROOT = "evidence root"
    UPDATES = "updates"
    COUNTED_TWICE = "counted twice"
    JUDGEMENT = "judgement"
    TRANSACTION = "transaction"
    SIGNATURES = "signatures"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit, as one sentence; not ``conclusive`` where it only could not be seen."""

    step: Step
    text: str
    conclusive: bool = True


@dataclass(frozen=True, slots=True)
class AuditedBatch:
    """One nonce and everything that was found; ``feedback`` are the ids that it counts.

    ``signers`` are the members whose signatures were checked and found right.
    """

    nonce: int
    findings: Sequence[Finding] = ()
    feedback: Sequence[bytes] = ()
    signers: Sequence[str] = ()
    cancelled: bool = False

    @property
    def verdict(self) -> Verdict:
        """Fits only where everything could be seen, and does."""
        if not self.findings:
            return Verdict.FITS
        proven = any(finding.conclusive for finding in self.findings)
        return Verdict.DOES_NOT_FIT if proven else Verdict.INCONCLUSIVE

    @property
    def finding(self) -> Finding | None:
        """The first thing that does not fit, else the first that could not be seen."""
        proven = (finding for finding in self.findings if finding.conclusive)
        return next(proven, self.findings[0] if self.findings else None)
