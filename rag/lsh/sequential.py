"""Is this provider honest? A test over leaves, receipts and jobs that may be looked at any time.

Under these assumptions an honest provider is ever rejected with a chance of at most alpha + delta:

1. Distances of its honest leaves are no larger, in distribution and whatever came before, than
   those of the calibration's pair: conditionally on the past, each is stochastically dominated.
2. The calibration's distances are independent draws of that pair; delta is the chance over them
   that the curve is not above the true one somewhere. It is spent once per calibration.

Leaves of one receipt may depend on each other in any way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError
from rag.lsh.exact_bounds import upper_bound

_STEP = 1.2
_MOST = 1e300


@dataclass(frozen=True, slots=True)
class HonestCurve:
    """An upper bound of how often honest distances reach a value, right with chance 1 − delta.

    ``edges`` ascending, (k,) float64: from above ``edges[i]`` on the chance is at most
    ``chances[i]``; at or below the first edge it is 1. Make it with ``honest_curve``.
    """

    edges: NDArray[np.float64]
    chances: NDArray[np.float64]

    def p_values(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """A bound on the chance that an honest leaf is as far off, (m,), each in (0, 1]."""
        place = np.searchsorted(self.edges, distances, side="left") - 1
        found: NDArray[np.float64] = np.where(place < 0, 1.0, self.chances[place])
        return found


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """When to reject: evidence of at least 1 / ``alpha`` (Ville 1939). ``curve``: the honest one.

    ``largest`` is the greatest distance there can be, for one leaf the bits of a code. Raises
    CalibrationError for a test that could never reject, or always would.
    """

    curve: HonestCurve
    alpha: float
    largest: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise CalibrationError(
                f"An alpha of {self.alpha} makes no test.", "Give one between 0 and 1, as 1e-4."
            )
        if not self.strongest > 1.0:
            raise CalibrationError(
                "No distance counts against a provider: the test is disabled.",
                "Calibrate with more honest runs, or with a smaller width.",
            )

    @property
    def strongest(self) -> float:
        """The evidence of one receipt all of whose leaves are as far off as can be."""
        return float(e_values(self.curve.p_values(np.array([self.largest])))[0])


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is held against a provider after so many ``receipts``; ``Evidence()`` before the first.

    ``staked``: the part already bet. ``rejected`` stays once it is true.
    """

    staked: float = 0.0
    receipts: int = 0
    rejected: bool = False

    @property
    def value(self) -> float:
        """An e-process: honest, its mean is at most 1 at any time of stopping."""
        return self.staked + 1.0 / (self.receipts + 1)


def honest_curve(distances: NDArray[np.float64], delta: float) -> HonestCurve:
    """Return a curve that lies above the true one everywhere, with chance 1 − ``delta``.

    ``distances``: (n,) of independent honest leaves. A conformal p-value (1 + #≥) / (n + 1) is
    right on average over calibrations, but over many jobs one calibration is used again and again,
    and an unlucky one would add up. So each order statistic of a geometric grid gets its exact
    bound (Clopper and Pearson) at delta / (size of the grid); cf. Bates et al. 2023. Raises
    CalibrationError for no distances, or when they are too few to say anything at delta.
    """
    if distances.ndim != 1 or len(distances) == 0 or not np.isfinite(distances).all():
        raise CalibrationError(
            "There are no honest distances to test against.", "Calibrate this pair first."
        )
    if not 0.0 < delta < 1.0:
        raise CalibrationError(f"A delta of {delta} is no chance.", "Give one between 0 and 1.")
    count = len(distances)
    above = [0]
    while (following := max(above[-1] + 1, math.ceil(above[-1] * _STEP))) < count:
        above.append(following)
    ordered = np.sort(distances.astype(np.float64))
    edges = np.array([ordered[count - 1 - k] for k in above])
    chances = np.array([upper_bound(k, count, 1.0 - delta / len(above)) for k in above])
    # Ties: of equal edges the smallest chance holds, which is that of the fewest above.
    edges, first = np.unique(edges, return_index=True)
    return HonestCurve(edges, chances[first])


def e_values(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bets on small p: ∫₀¹ κ p^(κ−1) dκ = (1 − p + p·ln p) / (p·ln² p), of mean ≤ 1 if honest.

    Vovk and Wang 2021. It needs no guess of how strong a cheat shows.
    """
    if not ((p_values > 0.0) & (p_values <= 1.0)).all():
        raise CalibrationError("A p-value is outside (0, 1].", "Take it from an honest curve.")
    p = p_values.astype(np.float64)
    near = 1.0 - p < 1e-4
    safe = np.where(near, 0.5, p)
    logs = np.log(safe)
    found: NDArray[np.float64] = np.where(
        near, 0.5 + (1.0 - p) / 6.0, (1.0 - safe + safe * logs) / (safe * logs**2)
    )
    return found


def receipt_evidence(test: SequentialTest, distances: NDArray[np.float64]) -> float:
    """Return the e-value of one receipt: the mean over its checked leaves, (m,), m ≥ 1.

    A mean of e-values is one under any dependence (Vovk and Wang 2021); a product would not be.
    Which leaves are checked must not depend on their distances.
    """
    if distances.ndim != 1 or len(distances) == 0:
        raise CalibrationError("No leaf of the receipt was checked.", "Check at least one.")
    if not ((distances >= 0.0) & (distances <= test.largest)).all():
        raise CalibrationError(
            f"A distance is outside 0 to {test.largest:g}.", "Compare codes of equal length."
        )
    return float(e_values(test.curve.p_values(distances)).mean())


def add_receipt(test: SequentialTest, before: Evidence, distances: NDArray[np.float64]) -> Evidence:
    """Return the evidence after one more receipt with these distances of its checked leaves.

    One product from the first receipt on would let a provider save up: after much good behaviour
    it is near 0. So a unit is spread over all times to begin, 1 / (t·(t + 1)) at receipt t; the
    sum is still an e-process, and a provider that turns after t receipts is caught as soon as its
    later ones outweigh t².
    """
    count = before.receipts + 1
    stake = before.staked + 1.0 / (count * (count + 1.0))
    staked = min(stake * receipt_evidence(test, distances), _MOST)
    after = Evidence(staked, count, before.rejected)
    return Evidence(staked, count, before.rejected or after.value >= 1.0 / test.alpha)
