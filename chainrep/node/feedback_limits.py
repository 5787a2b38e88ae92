"""Which single judgements go into a batch at all."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.protocol.types import EVIDENCE_UNIT, Feedback


@dataclass(frozen=True, slots=True)
class FeedbackLimits:
    """What a committee's members sign; None for what they do not look at.

    ``max_evidence`` is in hundredths of a unit, as judged, as used and as asked; ``age_seconds``
    is how old a judgement may be, ``skew_seconds`` how far in the future.
    """

    max_evidence: int | None = None
    age_seconds: int | None = None
    skew_seconds: int | None = None

    def objection(self, record: Feedback, known_sources: int, now: int) -> str:
        """Why a record is to be set aside for good, as a clause; empty where it is not."""
        if not 0 < record.source <= known_sources:
            return f"source {record.source} is not registered"
        weight = max(record.supported + record.contradicted, record.used, record.asked)
        if self.max_evidence is not None and weight > self.max_evidence:
            return (
                f"it weighs {weight / EVIDENCE_UNIT:g} units, and members sign"
                f" {self.max_evidence / EVIDENCE_UNIT:g}"
            )
        if self.age_seconds is not None and record.time < now - self.age_seconds:
            return f"it is more than {self.age_seconds // 86_400} days old, and members refuse that"
        return ""

    def premature(self, record: Feedback, now: int) -> bool:
        """Whether a record is from the future: it was kept before a clock was set back."""
        return self.skew_seconds is not None and record.time > now + self.skew_seconds


MEMBER_LIMITS = FeedbackLimits(EVIDENCE_UNIT, 29 * 86_400, 60)
"""What members sign unless they were told otherwise, a day of waiting for signatures left."""
