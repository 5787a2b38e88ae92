"""How many sources a number of judgements touches, when some sources are asked more than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ONE_BY_ONE = 2_000
_BLOCKS = 1_000


@dataclass(frozen=True)
class Popularity:
    """Shares of all judgements, the largest first, and how many sources have each of them.

    Judgements are independent. Sources far down, which are nearly alike, are put together.
    """

    sources: int
    exponent: float
    shares: NDArray[np.float64]
    counts: NDArray[np.float64]
    weight: float

    @property
    def top(self) -> float:
        """The most asked source's share."""
        return float(self.shares[0])

    def distinct(self, draws: float) -> float:
        """Expected number of sources with at least one of so many judgements: Σ 1 - (1 - p)^n."""
        if draws <= 0:
            return 0.0
        with np.errstate(divide="ignore"):  # a source that is alone is never missed
            missed = np.expm1(draws * np.log1p(-self.shares))
        return float(-missed @ self.counts)

    def turns(self, window: float) -> float:
        """Updates per judgement if so many judgements wait and sources take turns, oldest first.

        A source waits for its first judgement, then for T judgements of all sources until its turn,
        when all of its own are taken: one turn in 1 / p + T. T follows from the window's size.
        """
        low, high = 0.0, 2 * window / self.top
        for _ in range(60):
            middle = (low + high) / 2
            own = middle * self.shares
            waiting = float((own / (1 + own) * (1 + own / 2)) @ self.counts)
            low, high = (middle, high) if waiting < window else (low, middle)
        return float((self.shares / (1 + high * self.shares)) @ self.counts)

    def busiest_part(self, parts: int) -> tuple[Popularity, float]:
        """Sources dealt out by rank to so many ledgers: the first one's, and its share of all."""
        own = popularity(self.sources, self.exponent, parts)
        return own, own.weight / self.weight


def popularity(sources: int, exponent: float, step: int = 1) -> Popularity:
    """Shares in proportion to 1 / rank^exponent: 0 is even, 1 is Zipf's law.

    With a ``step``, only ranks 1, 1 + step, … of so many sources.
    """
    number = -(-sources // step)
    far = np.geomspace(min(_ONE_BY_ONE, number), number, _BLOCKS)
    near = np.arange(min(_ONE_BY_ONE, number))
    edges = np.unique(np.concatenate([near, far.round().astype(np.int64)])).astype(np.float64)
    counts = np.diff(edges)
    ranks = 1 + step * (edges[:-1] + edges[1:] - 1) / 2
    weights = ranks**-exponent
    weight = float(weights @ counts)
    return Popularity(sources, exponent, weights / weight, counts, weight)
