"""Which sources to ask, and how much each one's answer weighs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.types import Reliability

UNKNOWN = Reliability()


@dataclass(frozen=True, slots=True)
class Router:
    """Weighs sources by the log-odds of their reliability, and may ask only the best of them.

    ln(p / (1 - p)) is the weight that makes a vote of independent sources most often right
    (Nitzan & Paroush, "Optimal decision rules in uncertain dichotomous choice situations",
    1982); p is the Beta posterior's mean, so a source without evidence weighs nothing beside
    one known to be good, and all of them weigh the same as long as none has evidence. A source
    that is wrong more often than right weighs 0, never less: a negative vote could be farmed.

    ``limit`` bounds how many sources are asked. They are chosen by the posterior's mean plus
    ``optimism`` standard deviations, so that little known sources get their chance.
    """

    limit: int | None = None
    optimism: float = 2.0

    def choose(self, sources: Iterable[int], known: Mapping[int, Reliability]) -> tuple[int, ...]:
        """Return the ids to ask, ascending; equal chances are decided by the lower id."""
        ids = sorted(sources)
        if self.limit is None or self.limit >= len(ids):
            return tuple(ids)
        hopeful = sorted(ids, key=lambda i: (-self._upper(known.get(i, UNKNOWN)), i))
        return tuple(sorted(hopeful[: max(self.limit, 1)]))

    def weights(self, sources: Iterable[int], known: Mapping[int, Reliability]) -> dict[int, float]:
        """Return the vote weight ≥ 0 of every source; all are 1 when none would exceed 0."""
        weights = {i: _log_odds(known.get(i, UNKNOWN).mean) for i in sources}
        return weights if any(weights.values()) else dict.fromkeys(weights, 1.0)

    def _upper(self, reliability: Reliability) -> float:
        mean, evidence = reliability.mean, reliability.evidence + 2.0
        return mean + self.optimism * math.sqrt(mean * (1.0 - mean) / (evidence + 1.0))


def _log_odds(mean: float) -> float:
    return max(0.0, math.log(mean / (1.0 - mean)))
