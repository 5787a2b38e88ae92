"""How much each source's answer weighs in the vote."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rag.types import Reliability

UNKNOWN = Reliability()
_SURE = 1.0 - 1e-12
"""Beyond any evidence a ledger can hold: keeps the odds finite."""


def vote_weights(
    sources: Iterable[int], known: Mapping[int, Reliability], answered: Iterable[int]
) -> dict[int, float]:
    """Return the vote weight ≥ 0 of every source that was asked.

    ln(p / (1 - p)) is the weight that makes a vote of independent sources most often right
    (Nitzan & Paroush, "Optimal decision rules in uncertain dichotomous choice situations",
    1982); p is the Beta posterior's mean, so a source without evidence weighs nothing beside
    one known to be good. A source that is wrong more often than right weighs 0, never less: a
    negative vote could be farmed.

    Where nobody who ``answered`` weighs more than 0 the weights are the odds p / (1 - p): the least
    bad lead, and all weigh 1 as long as none has evidence. Who would have overruled them all by
    speaking weighs infinitely there.
    """
    means = {i: min(known.get(i, UNKNOWN).mean, _SURE) for i in sources}
    weights = {i: _log_odds(mean) for i, mean in means.items()}
    if any(weights[i] for i in answered):
        return weights
    return {i: math.inf if mean > 0.5 else mean / (1.0 - mean) for i, mean in means.items()}


def _log_odds(mean: float) -> float:
    return max(0.0, math.log(mean / (1.0 - mean))) if mean > 0.0 else 0.0
