"""Few sources that cover much: lazy greedy selection where sources overlap."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.state.arrays import Floats


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many independent right answers to expect: f(S) = sum_j mass_j c_j(S).

    c_j(S) = 1 - prod_{i in S} (1 - overlap_ij) is how much of what source j has S has too.
    Without overlap f is the sum of the chances; n copies of one source count as one. f is 0 for
    nobody, monotone and submodular, because each c_j is and no mass is below 0.
    """

    mass: Floats
    overlap: Floats

    def value(self, chosen: Sequence[int]) -> float:
        """Return f of the sources at these positions."""
        missing = np.prod(1.0 - self.overlap[list(chosen)], axis=0)
        return float(self.mass @ (1.0 - missing))


def coverage(chances: Floats, overlap: Floats | None = None) -> Coverage:
    """Return the coverage function for chances (n,) ≥ 0 of being right and overlap (n, n) 0..1.

    overlap_ij is the share of what j has that i has as well; the diagonal counts as 1.
    """
    shared = np.zeros((len(chances),) * 2) if overlap is None else np.clip(overlap, 0.0, 1.0)
    np.fill_diagonal(shared, 1.0)
    # What several have is counted once: their masses for it add up to one source's.
    return Coverage(np.maximum(chances, 0.0) / shared.sum(axis=0), shared)


def select(cover: Coverage, limit: int, lost: Floats | None = None) -> list[tuple[int, float]]:
    """Return at most ``limit`` (position, gain in f) in the order they were taken.

    ``lost`` (n,), what taking a source costs, is taken off where they are compared. Greedy gives
    at least 1 - 1/e of the best f under the bound when nothing is taken off (Nemhauser, Wolsey &
    Fisher, 1978). Gains only fall, so a stale one is an upper bound and most need not be computed
    again (Minoux, 1978). Ties go to the lower position.
    """
    count = len(cover.mass)
    off = np.zeros(count) if lost is None else lost
    missing = np.ones(count)
    gains = cover.overlap @ cover.mass
    queue = [(float(off[i] - gains[i]), i, 0, float(gains[i])) for i in range(count)]
    heapq.heapify(queue)
    taken: list[tuple[int, float]] = []
    while queue and len(taken) < limit:
        _, i, when, gain = heapq.heappop(queue)
        if when == len(taken):
            taken.append((i, gain))
            missing *= 1.0 - cover.overlap[i]
        else:
            gain = float(cover.mass @ (missing * cover.overlap[i]))
            heapq.heappush(queue, (float(off[i]) - gain, i, len(taken), gain))
    return taken
