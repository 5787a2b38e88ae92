"""Quantiles of the Beta distribution: how low a reliability may be in spite of its evidence."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_ITERATIONS = 20_000
_TINY = 1e-300
_MUCH, _SOME = 1e6, 1e3
"""With this much evidence, and this much on either side, the continued fraction is slow, and a
normal quantile with skewness (Cornish and Fisher 1938) is right to five digits."""


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b), for 0 ≤ x ≤ 1 and a, b > 0.

    By the continued fraction of DLMF 8.17.22, evaluated by Lentz's method.
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):  # where the fraction of the other tail converges sooner
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(_log_density(x, a, b) + math.log(x) + math.log1p(-x)) / a
    upper, lower = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    fraction = lower
    for m in range(1, _ITERATIONS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            lower = 1.0 / _away_from_zero(1.0 + term * lower)
            upper = _away_from_zero(1.0 + term / upper)
            change = upper * lower
            fraction *= change
        if abs(change - 1.0) < 1e-15:
            break
    return min(1.0, front * fraction)


@lru_cache(maxsize=16_384)
def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p, for 0 < p < 1 and a, b > 0: bisection sped up by Newton steps."""
    if a + b > _MUCH and min(a, b) > _SOME:
        return _normal_quantile(p, a, b)
    low, high = 0.0, 1.0
    x = min(max(_normal_quantile(p, a, b), 1e-6), 1.0 - 1e-6)
    for _ in range(200):
        excess = beta_cdf(x, a, b) - p
        low, high = (low, x) if excess > 0 else (x, high)
        slope = math.exp(_log_density(x, a, b))
        step = x - excess / slope if slope > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= 1e-13 * x or high - low < 1e-300:
            return following
        x = following
    return x


def _log_density(x: float, a: float, b: float) -> float:
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return scale + (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x)


def _normal_quantile(p: float, a: float, b: float) -> float:
    total = a + b
    spread = math.sqrt(a * b / (total * total * (total + 1.0)))
    skew = 2.0 * (b - a) * math.sqrt(total + 1.0) / ((total + 2.0) * math.sqrt(a * b))
    z = NormalDist().inv_cdf(p)
    x = a / total + spread * (z + skew * (z * z - 1.0) / 6.0)
    return min(max(x, 0.0), 1.0)


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
