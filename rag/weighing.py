"""How much each source's answer weighs in the vote."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rag.types import Reliability

UNKNOWN = Reliability()
_SURE = 1.0 - 1e-12
"""Beyond any evidence a ledger can hold: keeps the odds finite."""


def vote_weights(sources: Iterable[int], known: Mapping[int, Reliability]) -> dict[int, float]:
    """Return the vote weight ≥ 0 of every source; all are 1 when none would exceed 0.

    ln(p / (1 - p)) is the weight that makes a vote of independent sources most often right
    (Nitzan & Paroush, "Optimal decision rules in uncertain dichotomous choice situations",
    1982); p is the Beta posterior's mean, so a source without evidence weighs nothing beside
    one known to be good, and all of them weigh the same as long as none has evidence. A source
    that is wrong more often than right weighs 0, never less: a negative vote could be farmed.
    """
    weights = {i: _log_odds(known.get(i, UNKNOWN).mean) for i in sources}
    return weights if any(weights.values()) else dict.fromkeys(weights, 1.0)


def _log_odds(mean: float) -> float:
    mean = min(mean, _SURE)
    return max(0.0, math.log(mean / (1.0 - mean))) if mean > 0.0 else 0.0
