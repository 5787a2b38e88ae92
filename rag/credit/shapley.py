"""Shapley values of a game: exact from all coalitions, or sampled with a bound on the error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.credit.coalitions import Flags, Floats, shapley_matrix

Value = Callable[[Flags], Floats]
"""Coalitions, bool (many, players), to their values, float64 (many,)."""

RISK = 1e-3
_DIGITS = 12
_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Sampled:
    """Estimated Shapley values (players,), each within ``error`` but for a chance of ``RISK``."""

    values: Floats
    error: float


def exact(values: NDArray[np.float64]) -> Floats:
    """Return the Shapley values (n,) of a game given by the values (2^n,) of its coalitions.

    Bit i of a position says whether player i is in. Raises ValueError for any other length.
    """
    n = len(values).bit_length() - 1
    if n < 0 or len(values) != 1 << n:
        raise ValueError(f"{len(values)} values are not those of all coalitions")
    # Rounded, so that the last bit of a sum never ranks equals.
    return np.round(shapley_matrix(n) @ values, _DIGITS) if n else np.zeros(0)


def sampled(
    value: Value, players: int, *, pairs: int = 4000, spread: float = 1.0, seed: int = 0
) -> Sampled:
    """Estimate from ``pairs`` random orders and their reverses (Mitchell et al., JMLR 2022, §4.1).

    ``spread`` is the largest minus the smallest value of a coalition: the mean marginal gain over
    an order and its reverse, one draw, is within ± spread. The bound is the smaller of
    Hoeffding's and of Maurer and Pontil's (COLT 2009, Theorem 4), for all players at once. The
    same seed gives the same estimate. Raises ValueError for fewer than two pairs.
    """
    if pairs < 2:
        raise ValueError("one pair of orders says nothing of the error")
    chance = np.random.default_rng(seed)
    draws = np.empty((pairs, players))
    for start in range(0, pairs, _BLOCK):
        count = min(_BLOCK, pairs - start)
        orders = chance.permuted(np.tile(np.arange(players), (count, 1)), axis=1)
        there, back = (_gains(value, way) for way in (orders, orders[:, ::-1]))
        draws[start : start + count] = (there + back) / 2.0
    means = draws.mean(axis=0)
    variance = float(draws.var(axis=0, ddof=1).max(initial=0.0))
    doubt = math.log(4.0 * max(players, 1) / RISK)
    hoeffding = spread * math.sqrt(2.0 * doubt / pairs)
    bernstein = math.sqrt(2.0 * variance * (doubt + math.log(2.0)) / pairs) + (
        14.0 * spread * (doubt + math.log(2.0)) / (3.0 * (pairs - 1))
    )
    return Sampled(np.round(means, _DIGITS), min(hoeffding, bernstein))


def _gains(value: Value, orders: NDArray[np.int64]) -> Floats:
    """Return what each player adds to those before it, (orders, players)."""
    count, players = orders.shape
    place = np.argsort(orders, axis=1)
    # Row k of an order holds its first k players.
    inside = place[:, None, :] < np.arange(players + 1)[None, :, None]
    values = value(inside.reshape(-1, players)).reshape(count, players + 1)
    return np.take_along_axis(np.diff(values, axis=1), place, axis=1)
