"""What a provider's past says about its next job: a Beta prior shared by all providers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError

MAX_EVIDENCE = 1e4
"""A pooled prior never counts for more jobs than this, however alike the providers look."""


@dataclass(frozen=True, slots=True)
class CheatPrior:
    """Cheat rates over providers are Beta(``cheats``, ``honest``); both in jobs, both positive.

    ``floor``: the least rate ever believed, whatever the past. It bounds what a provider gains by
    behaving well for long and cheating then.
    """

    cheats: float
    honest: float
    floor: float = 1e-2

    def __post_init__(self) -> None:
        positive = math.isfinite(self.cheats + self.honest) and min(self.cheats, self.honest) > 0
        if not positive or not 0.0 < self.floor < 0.5:
            raise CalibrationError(
                f"Beta({self.cheats}, {self.honest}) with a floor of {self.floor} is no prior.",
                "Give two positive numbers of jobs and a floor between 0 and 0.5.",
            )

    def after(self, cheated: int, checked: int) -> float:
        """The chance that the next job is cheated, after ``cheated`` of ``checked`` past jobs."""
        if not 0 <= cheated <= checked:
            raise CalibrationError(
                f"{cheated} cheats in {checked} checked jobs is no past.",
                "Count every checked job once.",
            )
        rate = (self.cheats + cheated) / (self.cheats + self.honest + checked)
        return min(max(rate, self.floor), 1.0 - self.floor)


def fit_prior(
    cheated: NDArray[np.int64], checked: NDArray[np.int64], floor: float = 1e-2
) -> CheatPrior:
    """Return the prior that fits the past of many providers: (providers,) counts of jobs.

    Moments of the beta-binomial (Kleinman 1973): the mean is pooled, the spread between providers
    beyond binomial noise sets how much evidence the prior is worth. Raises CalibrationError when
    fewer than two providers were checked, or none or all of their jobs were cheated.
    """
    seen = checked > 0
    jobs, cheats = checked[seen].astype(np.float64), cheated[seen].astype(np.float64)
    total = jobs.sum()
    if len(jobs) < 2 or not 0 < cheats.sum() < total:
        raise CalibrationError(
            "No prior follows from fewer than two providers, or from a past of one kind only.",
            "Check more jobs first, or use the base rate.",
        )
    mean = cheats.sum() / total
    spread = (jobs * (cheats / jobs - mean) ** 2).sum()
    noise = mean * (1.0 - mean) * (len(jobs) - 1)
    between = (total - (jobs**2).sum() / total) * mean * (1.0 - mean)
    correlation = max((spread - noise) / max(between - noise, 1e-12), 0.0)
    evidence = min(1.0 / correlation - 1.0 if correlation > 0 else math.inf, MAX_EVIDENCE)
    evidence = max(evidence, 1e-3)
    return CheatPrior(float(mean * evidence), float((1.0 - mean) * evidence), floor)
