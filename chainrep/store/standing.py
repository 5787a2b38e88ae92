"""What a reader makes of a source's record at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.protocol.beta import beta_quantile
from chainrep.protocol.types import Score

CONFIDENCE = 0.95
"""Of the lower bound, one-sided: a source is that reliable or more with this probability."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The four sums as the reader weighs them, in units of evidence.

    ``score`` is the ledger's own record, in hundredths and without decay; without a half-life both
    say the same.
    """

    score: Score
    supported: float
    contradicted: float
    used: float
    asked: float

    @property
    def source(self) -> int:
        """The source's id."""
        return self.score.source

    @property
    def evidence(self) -> float:
        """Judged answers: supported + contradicted."""
        return self.supported + self.contradicted

    @property
    def reliability(self) -> float:
        """Mean of the Beta posterior under a uniform prior: (s + 1) / (s + c + 2), in 0..1."""
        return (self.supported + 1.0) / (self.evidence + 2.0)

    @property
    def usefulness(self) -> float:
        """How often an answer of this source was used when asked, under the same prior."""
        return (self.used + 1.0) / (self.asked + 2.0)

    @property
    def lower_bound(self) -> float:
        """The posterior Beta(s + 1, c + 1)'s quantile below which 5 % of it lies, in 0..1."""
        return beta_quantile(1.0 - CONFIDENCE, self.supported + 1.0, self.contradicted + 1.0)
