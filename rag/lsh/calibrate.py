"""From honest runs, attacks and unrelated windows to the calibration of one pair of machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError
from rag.lsh.calibration import LEVELS, Limit, PairCalibration, Recall, rounded
from rag.lsh.exact_bounds import independent_worth, smallest_threshold

SUMS = (2, 4, 8)

Runs = Sequence[NDArray[np.float64]]
"""One array per receipt: a number for each of its leaves, in their order."""


@dataclass(frozen=True, slots=True)
class Honest:
    """What honest runs of one pair gave: Hamming distances of leaves, token scores of leaves."""

    distances: Runs
    token_scores: Runs


def calibrate_pair(
    key: str,
    honest: Honest,
    impostors: NDArray[np.float64],
    *,
    width: float,
    bits: int,
    bound: float,
    confidence: float,
    token_clip: float,
    attacks: Mapping[str, Runs] | None = None,
    token_attacks: Mapping[str, Runs] | None = None,
    sums: Sequence[int] = SUMS,
) -> PairCalibration:
    """Return the thresholds that honest runs exceed at a rate of at most ``bound``.

    ``impostors``: (n,) Hamming distances of unrelated windows. ``attacks``: distances of leaves,
    ``token_attacks``: token scores of leaves, by the attack's name. Raises CalibrationError that
    says how many honest ones are needed where there are too few, for a sum too; also where the
    check would be blind.
    """
    if len(impostors) == 0 or not np.isfinite(impostors).all():
        raise CalibrationError(
            f"{key}: there are no distances of unrelated windows.", "Measure them."
        )
    leaf = _limit(honest.distances, bound, confidence, f"{key}, one leaf")
    checks = {"leaf": (1, leaf)}
    for leaves in sums:
        blocks = in_blocks(honest.distances, leaves)
        limit = _limit(blocks, bound, confidence, f"{key}, sums of {leaves} leaves")
        checks[f"sum_{leaves}"] = (leaves, limit)
    tokens = _limit(honest.token_scores, bound, confidence, f"{key}, tokens")
    recalls = [
        _recall(name, check, in_blocks(runs, leaves), limit)
        for name, runs in sorted((attacks or {}).items())
        for check, (leaves, limit) in checks.items()
        if any(len(run) >= leaves for run in runs)
    ]
    recalls += [
        _recall(name, "tokens", runs, tokens)
        for name, runs in sorted((token_attacks or {}).items())
    ]
    return PairCalibration(
        key=key,
        width=width,
        bits=bits,
        leaf=leaf,
        sums=tuple(checks[f"sum_{leaves}"] for leaves in sorted(set(sums))),
        tokens=tokens,
        token_clip=token_clip,
        impostors=tuple(float(q) for q in np.quantile(impostors, LEVELS, method="lower")),
        impostor_sample=len(impostors),
        recalls=tuple(recalls),
    )


def in_blocks(runs: Runs, leaves: int) -> list[NDArray[np.float64]]:
    """Return sums over blocks of so many leaves in a row that share none; a rest is dropped."""
    return [
        np.asarray(run, np.float64)[: len(run) // leaves * leaves].reshape(-1, leaves).sum(axis=1)
        for run in runs
    ]


def _limit(runs: Runs, bound: float, confidence: float, place: str) -> Limit:
    filled = [np.asarray(run, np.float64) for run in runs if len(run)]
    values = np.concatenate(filled) if filled else np.zeros(0)
    worth = independent_worth(filled)
    try:
        threshold, rate = smallest_threshold(values, bound, confidence, worth)
    except CalibrationError as error:
        raise CalibrationError(f"{place}: {error.summary}", error.remedy) from error
    kept = rounded(threshold)
    if kept < threshold:  # rounding must not cost an honest run
        kept = rounded(threshold * (1.0 + 1e-9))
    return Limit(kept, rate, confidence, len(values), worth)


def _recall(attack: str, check: str, runs: Runs, limit: Limit) -> Recall:
    values = np.concatenate([np.asarray(run, np.float64) for run in runs])
    if len(values) == 0:
        raise CalibrationError(f"The attack {attack} has no values.", "Leave it out, or run it.")
    share = float((values > limit.threshold).mean())
    return Recall(attack, check, share, len(values))
