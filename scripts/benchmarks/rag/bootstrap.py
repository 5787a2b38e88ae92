"""Paired bootstrap intervals: questions are drawn again, every method on the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
LEVEL = 0.95


class Bootstrap:
    """Draws of the positions of ``questions``, the same for every method asked about."""

    def __init__(self, questions: int, seed: int = 0) -> None:
        rng = np.random.default_rng([seed, questions])
        self._draws = rng.integers(questions, size=(RESAMPLES, questions))

    def mean(self, marks: NDArray[np.float64]) -> list[float]:
        """Return the interval of the mean of marks (questions,)."""
        return _interval(marks[self._draws].mean(axis=1))

    def difference(self, marks: NDArray[np.float64], others: NDArray[np.float64]) -> list[float]:
        """Return the interval of the mean of marks less that of others."""
        return self.mean(marks - others)

    def gain(self, marks: NDArray[np.float64], others: NDArray[np.float64]) -> list[float] | None:
        """Return the interval of mean / other mean - 1; None where the other may be 0."""
        below = others[self._draws].mean(axis=1)
        if not below.all():
            return None
        return _interval(marks[self._draws].mean(axis=1) / below - 1.0)


def _interval(values: NDArray[np.float64]) -> list[float]:
    tail = (1.0 - LEVEL) / 2
    return [round(float(v), 4) for v in np.quantile(values, (tail, 1.0 - tail))]
