"""Exact binomial bounds: what may be claimed of a rate after a number of independent trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError

MAX_TRIALS = 100_000_000
_HALVINGS = 100


@lru_cache(maxsize=4_096)
def upper_bound(events: int, trials: int, confidence: float) -> float:
    """The Clopper–Pearson (1934) upper bound of a rate: a larger one has, with probability
    ``confidence``, more than ``events`` events in ``trials`` independent trials.

    One-sided. Raises CalibrationError for counts or a confidence out of range.
    """
    _check(events, trials, confidence)
    if events == trials:
        return 1.0
    chances = _log_choices(events, trials)
    low, high = events / trials, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if not low < middle < high:
            break
        likely = _cdf(middle, chances, trials) > 1.0 - confidence
        low, high = (middle, high) if likely else (low, middle)
    return high


def lower_bound(events: int, trials: int, confidence: float) -> float:
    """The one-sided Clopper–Pearson lower bound of a rate."""
    _check(events, trials, confidence)
    return 1.0 - upper_bound(trials - events, trials, confidence)


def needed_trials(bound: float, confidence: float) -> int:
    """Trials without an event from which a rate of at most ``bound`` follows: 1/bound times 3 to 5.

    Raises CalibrationError for a bound or a confidence that is not between 0 and 1.
    """
    if not (0.0 < bound < 1.0 and 0.0 < confidence < 1.0):
        raise _out_of_range(bound, confidence)
    return math.ceil(math.log(1.0 - confidence) / math.log1p(-bound))


def allowed_events(trials: int, bound: float, confidence: float) -> int:
    """The most events with which ``trials`` still show a rate of at most ``bound``.

    Raises CalibrationError, saying how many trials are needed, when not even 0 events would do.
    """
    needed = needed_trials(bound, confidence)
    if trials < needed:
        raise CalibrationError(
            f"{trials:,} honest runs cannot show a rate of at most {bound:g} with confidence "
            f"{confidence:g}.",
            f"Measure at least {needed:,} independent ones, or ask for a weaker bound.",
        )
    low, high = 0, math.ceil(bound * trials)
    while low < high:
        middle = (low + high + 1) // 2
        good = upper_bound(middle, trials, confidence) <= bound
        low, high = (middle, high) if good else (low, middle - 1)
    return low


def smallest_threshold(
    distances: NDArray[np.float64], bound: float, confidence: float, independent: int | None = None
) -> tuple[float, float]:
    """Return (threshold, proven rate): honest distances exceed it at most at that rate ≤ ``bound``.

    ``distances``: (n,) of honest runs, any unit; ``independent``: how many independent ones they
    are worth, n if left out. The threshold is the order statistic that leaves k of them above it,
    with k = ``allowed_events``. As k does not depend on what was measured, the bound holds after
    choosing (a tolerance limit, Wilks 1941); ties only make it safer.
    """
    if distances.ndim != 1 or not np.isfinite(distances).all():
        raise CalibrationError(
            "Honest distances must be one row of finite numbers.", "Measure them again."
        )
    count = len(distances)
    worth = count if independent is None else min(independent, count)
    allowed = allowed_events(worth, bound, confidence)
    place = count - 1 - allowed * count // worth
    threshold = float(np.partition(distances, place)[place])
    return threshold, upper_bound(allowed, worth, confidence)


def independent_worth(runs: Sequence[NDArray[np.float64]]) -> int:
    """How many independent values the values of several runs are worth; runs are independent.

    n / (1 + (m − 1)·r) with the intraclass correlation r by analysis of variance (Kish 1965), m
    values a run; n where they look independent. An estimate, not a bound.
    """
    filled = [run for run in runs if len(run)]
    sizes = np.array([len(run) for run in filled], dtype=np.float64)
    count, groups = sizes.sum(), len(filled)
    if groups < 2 or count == groups:
        return int(groups)
    means = np.array([run.mean() for run in filled])
    grand = (sizes * means).sum() / count
    between = (sizes * (means - grand) ** 2).sum() / (groups - 1)
    within = sum(((run - m) ** 2).sum() for run, m in zip(filled, means, strict=True))
    within /= count - groups
    size = (count - (sizes**2).sum() / count) / (groups - 1)
    spread = between + (size - 1.0) * within
    correlation = min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 0.0
    mean_size = (sizes**2).sum() / count
    return max(int(count / (1.0 + (mean_size - 1.0) * correlation)), 1)


def _log_choices(events: int, trials: int) -> NDArray[np.float64]:
    """Logarithms of the binomial coefficients C(trials, 0..events)."""
    counts = np.arange(1, events + 1)
    steps = np.log(trials - counts + 1.0) - np.log(counts)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _cdf(rate: float, log_choices: NDArray[np.float64], trials: int) -> float:
    counts = np.arange(len(log_choices))
    logs = log_choices + counts * math.log(rate) + (trials - counts) * math.log1p(-rate)
    return float(np.exp(logs).sum())


def _check(events: int, trials: int, confidence: float) -> None:
    if not (0 <= events <= trials and 0 < trials <= MAX_TRIALS):
        raise CalibrationError(
            f"{events} events in {trials} trials is no sample.",
            f"Count every event once, in 1 to {MAX_TRIALS:,} trials.",
        )
    if not 0.0 < confidence < 1.0:
        raise _out_of_range(0.5, confidence)


def _out_of_range(bound: float, confidence: float) -> CalibrationError:
    return CalibrationError(
        f"A rate of at most {bound:g} with confidence {confidence:g} is no claim.",
        "Give both between 0 and 1, both excluded.",
    )
