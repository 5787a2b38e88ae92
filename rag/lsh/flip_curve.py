"""How many bits of a code flip at a given distance, and the cell width that separates best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rag.errors import SketchError

WIDTHS = 160
GROUPS = 256
_ORDERS = np.arange(1, 33, 2)  # at a ratio of 0.1 the next term is below 1e-25
_LINEAR = 0.1


@dataclass(frozen=True, slots=True)
class WidthChoice:
    """A cell width and what it buys.

    A pair matches when at most ``threshold`` bits differ; ``false_positive`` is the share of honest
    pairs that do not match, ``power`` the share of impostors that do not, both as predicted.
    """

    width: float
    threshold: int
    false_positive: float
    power: float


def flip_probability(distance: ArrayLike, width: float) -> NDArray[np.float64]:
    """Return the chance that a bit differs between two vectors at L2 ``distance``.

    A bit is a square wave of period 2w of p·x + u. Its Fourier series, the uniform dither u, and
    p·(x - y) being normal with variance distance² (exactly so for Gaussian planes, nearly for ±1
    and a difference spread over many coordinates) give

        P = 1/2 - 4/π² · Σ_{k odd} exp(-(π·k·distance/w)² / 2) / k²

    (Boufounos & Rane, "Secure binary embeddings for privacy preserving nearest neighbors", 2011).
    Below w/10 this is √(2/π) · distance / w, to more digits than a float has.
    """
    ratio = np.asarray(distance, dtype=np.float64) / width
    waves = np.exp(-0.5 * (math.pi * _ORDERS * np.maximum(ratio, _LINEAR)[..., None]) ** 2)
    curve = 0.5 - 4 / math.pi**2 * (waves / _ORDERS**2).sum(axis=-1)
    return np.where(ratio < _LINEAR, math.sqrt(2 / math.pi) * ratio, curve)


def distance_from_flips(share: ArrayLike, width: float) -> NDArray[np.float64]:
    """Return the L2 distance at which that share of the bits differs; infinity from 1/2 on.

    The curve saturates: above a distance of about w, where 49.7 % differ, the answer says little
    more than "far".
    """
    wanted = np.asarray(share, dtype=np.float64)
    low, high = np.zeros_like(wanted), np.full_like(wanted, 3 * width)
    for _ in range(60):
        middle = (low + high) / 2
        below = flip_probability(middle, width) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(wanted >= 0.5, np.inf, high)


def choose_width(
    honest: ArrayLike, impostor: ArrayLike, bits: int, false_positive: float = 1e-3
) -> WidthChoice:
    """Return the width, and its threshold, that reject most impostors.

    ``honest`` and ``impostor`` are L2 distances of shape (n,) and (m,). Given its distance, a
    pair's Hamming distance is binomial over ``bits`` with ``flip_probability``; for each of 160
    widths the threshold is the smallest that rejects at most ``false_positive`` of honest pairs.
    More than 256 distances are grouped, honest ones rounded up and impostors down. What it promises
    holds for distances like those given: check it on others.

    Raises SketchError when distances are missing, negative or not finite, or all of them zero.
    """
    near, far = _grouped(honest, "higher"), _grouped(impostor, "lower")
    largest = max(near.max(), far.max())
    if largest == 0 or not 0 < false_positive < 1:
        raise SketchError(
            "There is no width to choose: every distance is zero, or the false positive rate is"
            f" {false_positive}.",
            "Give distances of runs that differ, and a rate between 0 and 1.",
        )
    smallest = max(near.max() / 4, largest / 1e6)
    choices = [
        _at_width(near, far, bits, false_positive, width)
        for width in np.geomspace(smallest, 8 * largest, WIDTHS).tolist()
    ]
    best, _ = min(choices, key=lambda choice: choice[1])
    return best


def _at_width(
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    bits: int,
    false_positive: float,
    width: float,
) -> tuple[WidthChoice, float]:
    """Return the choice at one width, and the share of impostors that it misses."""
    pairs = _binomial(flip_probability(near, width), bits)
    above = np.append(pairs[::-1].cumsum()[::-1][1:], 0.0)  # chance of more than t, for each t
    threshold = int(np.argmax(above <= false_positive))
    missed = float(_binomial(flip_probability(far, width), bits)[: threshold + 1].sum())
    return WidthChoice(width, threshold, float(above[threshold]), 1 - missed), missed


def _binomial(chances: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Return the chance of 0…bits flips, averaged over pairs with these chances per bit."""
    count = np.arange(bits + 1)
    factorials = np.array([math.lgamma(i + 1) for i in range(bits + 1)])
    ways = factorials[-1] - factorials - factorials[::-1]
    p = np.clip(chances, 1e-300, 1 - 1e-16)[:, None]
    return np.asarray(np.exp(ways + count * np.log(p) + (bits - count) * np.log1p(-p)).mean(axis=0))


def _grouped(distances: ArrayLike, method: Any) -> NDArray[np.float64]:
    found = np.sort(np.asarray(distances, dtype=np.float64).ravel())
    if not len(found) or not np.isfinite(found).all() or found[0] < 0:
        raise SketchError(
            "Distances are missing, negative or not finite.",
            "Measure some honest pairs and some impostors first.",
        )
    if len(found) <= GROUPS:
        return found
    steps = np.arange(GROUPS) + (1 if method == "higher" else 0)
    return np.asarray(np.quantile(found, steps / GROUPS, method=method))
