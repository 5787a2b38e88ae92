"""How good a source surely is and possibly is, by the evidence on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.state.arrays import Floats
from rag.types import Reliability

FLOOR = 0.2
DEVIATIONS = 2.0
LITTLE = 8.0
"""Units of evidence below which a source counts as new."""
UNKNOWN = Reliability()


def is_newcomer(reliability: Reliability) -> bool:
    """Tell whether there is too little evidence on a source to say that it is good or bad."""
    return reliability.evidence < LITTLE


@dataclass(frozen=True, slots=True)
class TrustBounds:
    """What sources surely are and possibly are, (n,) each, within 0..1."""

    lower: Floats
    upper: Floats


def trust_bounds(sources: Sequence[int], known: Mapping[int, Reliability]) -> TrustBounds:
    """Return the Beta posteriors' means less and plus DEVIATIONS standard deviations."""
    each = [known.get(s, UNKNOWN) for s in sources]
    mean = np.array([r.mean for r in each], dtype=np.float64)
    evidence = np.array([r.evidence for r in each], dtype=np.float64)
    reach = DEVIATIONS * np.sqrt(mean * (1.0 - mean) / (evidence + 3.0))
    return TrustBounds(np.maximum(mean - reach, 0.0), np.minimum(mean + reach, 1.0))


def with_own(
    known: Mapping[int, Reliability], own: Mapping[int, Reliability]
) -> Mapping[int, Reliability]:
    """Return the records, with what was seen here where that rests on more or is surely worse."""
    most = trust_bounds(list(own), own).upper.tolist()
    found = dict(known)
    for (source, here), upper in zip(own.items(), most, strict=True):
        record = known.get(source, UNKNOWN)
        if here.evidence >= record.evidence or upper < record.mean:
            found[source] = here
    return found


def below_floor(
    sources: Sequence[int], known: Mapping[int, Reliability], floor: float = FLOOR
) -> frozenset[int]:
    """Return the sources of which even the upper bound lies below ``floor``.

    The lower bound would shut out every newcomer: without evidence it is 0.
    """
    upper = trust_bounds(sources, known).upper
    return frozenset(s for s, most in zip(sources, upper, strict=True) if most < floor)
