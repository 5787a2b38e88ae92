"""Every coalition of a few sources as a number: bit i is set when source i is in."""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

MAX_EXACT = 12

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@lru_cache(maxsize=MAX_EXACT + 1)
def all_coalitions(n: int) -> Flags:
    """Return who is in each of the 2^n coalitions, bool (2^n, n); row c is the bits of c."""
    found: Flags = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    found.flags.writeable = False
    return found


@lru_cache(maxsize=MAX_EXACT + 1)
def shapley_matrix(n: int) -> Floats:
    """Return the matrix (n, 2^n) that takes the values of all coalitions to Shapley values.

    A coalition of size k with i in it counts 1 / (n C(n-1, k-1)) for i, one of size k without i
    counts -1 / (n C(n-1, k)) (Shapley, 1953).
    """
    inside = all_coalitions(n)
    sizes = inside.sum(axis=1)
    gain = np.array([0.0, *(1.0 / (n * comb(n - 1, k - 1)) for k in range(1, n + 1))])
    loss = np.array([*(1.0 / (n * comb(n - 1, k)) for k in range(n)), 0.0])
    found: Floats = np.where(inside, gain[sizes][:, None], -loss[sizes][:, None]).T.copy()
    found.flags.writeable = False
    return found
