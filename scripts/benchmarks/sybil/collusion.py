"""Fifty colluders with and without camouflage: what is left of them, and what the honest pay.

Each group gives 5 to 8 accounts 8 to 10 units (or -10 to -8), every member leaves a tenth of the
targets out, and their ratings come in any order. Camouflage goes to accounts as likely as they are
popular, and repeats what an honest rater said there, or is random.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from chainrep.reputation.collusion import find_near_copies
from chainrep.reputation.ratings import Ratings
from chainrep.reputation.units import WHOLE

COLLUDERS = 50
CAMOUFLAGE = (0, 5, 10, 15, 20)
TARGETS = ("new", "little known", "popular, slandered")
ACTIVE = 5
"""Ratings from which on an honest rater counts."""
_BLOCK = 512


def measure_collusion(
    ratings: Ratings, seeds: Sequence[int] = range(200, 205), foolsgold: bool = True
) -> Mapping[str, Any]:
    """How much of fifty colluders is left, and how many raters fall below half their weight.

    ``colluders_suppressed`` is 1 less the colluders' weight over that of as many whole raters:
    mean, and 2.5th and 97.5th percentile of the groups, by number of camouflage ratings.
    ``below_half`` is measured without colluders, of raters with 5 ratings or more: ``all`` of
    them, and those of whom others say more good than bad (``trusted``), because the data holds
    real rings too.
    """
    started = time.perf_counter()
    found = find_near_copies(ratings)
    seconds = time.perf_counter() - started
    ours: dict[int, list[float]] = {count: [] for count in CAMOUFLAGE}
    theirs: dict[int, list[float]] = {count: [] for count in CAMOUFLAGE}
    worst: dict[str, list[float]] = {kind: [] for kind in TARGETS}
    for seed, count, kind, honest in product(seeds, CAMOUFLAGE, TARGETS, (True, False)):
        attacked = inject(ratings, np.random.default_rng(seed), count, kind, honest)
        group = slice(len(ratings.accounts), len(ratings.accounts) + COLLUDERS)
        left = float(find_near_copies(attacked).passing[group].sum()) / WHOLE / COLLUDERS
        ours[count].append(1 - left)
        if count == CAMOUFLAGE[-1]:
            worst[kind].append(1 - left)
        if foolsgold and honest and seed == seeds[0]:
            theirs[count].append(1 - float(foolsgold_weights(attacked)[group].mean()))
    result: dict[str, Any] = {
        "colluders_suppressed": {str(count): _spread(ours[count]) for count in CAMOUFLAGE},
        "suppressed_at_most_camouflage": {kind: _spread(worst[kind]) for kind in TARGETS},
        "below_half": below_half(ratings, found.passing / WHOLE),
        "groups_in_the_data": [len(group) for group in found.groups],
        "seconds": round(seconds, 3),
    }
    if foolsgold:
        result["foolsgold"] = {
            "colluders_suppressed": {str(c): round(float(np.mean(theirs[c])), 4) for c in theirs},
            "below_half": below_half(ratings, foolsgold_weights(ratings)),
        }
    return result


def below_half(ratings: Ratings, weight: np.ndarray) -> Mapping[str, float]:
    """The shares of raters with 5 ratings or more whose weight is below half."""
    size = len(ratings.accounts)
    active = np.bincount(ratings.rater, minlength=size) >= ACTIVE
    trusted = active & (np.bincount(ratings.ratee, ratings.amount, size) >= 0)
    return {
        "all": round(float((weight[active] < 0.5).mean()), 4),
        "trusted": round(float((weight[trusted] < 0.5).mean()), 4),
    }


def inject(
    ratings: Ratings, rng: np.random.Generator, camouflage: int, kind: str, honest: bool
) -> Ratings:
    """The ratings with fifty colluders behind the last account, and their new accounts if any."""
    size = len(ratings.accounts)
    known = np.bincount(ratings.ratee, minlength=size)
    count = int(rng.integers(5, 9))
    sign = 1
    if kind == "new":
        targets = size + COLLUDERS + np.arange(count)
    elif kind == "little known":
        targets = rng.choice(np.flatnonzero((known >= 3) & (known <= 20)), count, replace=False)
    else:
        targets, sign = rng.choice(np.argsort(-known)[:100], count, replace=False), -1
    rated = np.flatnonzero(known)
    rows: list[tuple[int, int, int]] = []
    for member in range(size, size + COLLUDERS):
        mine = targets[rng.random(count) < 0.9]
        rows += [(member, int(t), sign * int(rng.integers(800, 1_001))) for t in mine]
        for t in rng.choice(rated, camouflage, replace=False, p=known[rated] / known.sum()):
            said = rng.choice(ratings.amount[ratings.ratee == t])
            amount = int(said) if honest else int(rng.choice([-1, 1]) * rng.integers(100, 1_001))
            if t not in mine:
                rows.append((member, int(t), amount))
    rater, ratee, amounts = np.array(rows, np.int64).T
    # An account's number is its place in the ascending list: these names come last.
    names = [f"\U0010ffff{i:04d}" for i in range(COLLUDERS + count)]
    times = ratings.time.max() + rng.integers(1, 1_000_000, rater.size)
    return replace(
        ratings,
        accounts=[*ratings.accounts, *names],
        rater=np.concatenate([ratings.rater, rater.astype(np.int32)]),
        ratee=np.concatenate([ratings.ratee, ratee.astype(np.int32)]),
        amount=np.concatenate([ratings.amount, amounts]),
        time=np.concatenate([ratings.time, times]),
    )


def foolsgold_weights(ratings: Ratings) -> np.ndarray:
    """FoolsGold's weight of every account (arXiv 1808.04866, algorithm 1), in floating point.

    Cosine similarity of what two raters said; s_ij is pardoned by max_i / max_j where j has the
    closer twin; the weight is 1 less the closest, over the largest weight, through
    ln(w / (1 - w)) + 0.5, clipped to 0..1. Who said nothing has weight 1.
    """
    size = len(ratings.accounts)
    places = (ratings.rater, ratings.ratee)
    rows = sparse.csr_matrix((ratings.amount.astype(float), places), (size, size))
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    said = np.flatnonzero(length)
    unit = (sparse.diags(1 / length[said]) @ rows[said]).tocsr()
    closest = np.concatenate([block.max(axis=1) for _, block in _similarities(unit)])
    pardoned = np.empty(said.size)
    for first, block in _similarities(unit):
        own = closest[first : first + len(block), None]
        ratio = np.divide(own, closest[None, :], out=np.ones_like(block), where=closest > 0)
        pardoned[first : first + len(block)] = (block * np.minimum(ratio, 1)).max(axis=1)
    weight = np.clip(1 - pardoned, 0, 1)
    weight /= max(weight.max(), 1e-12)
    weight = np.clip(weight, 1e-9, 1 - 1e-9)
    result = np.ones(size)
    result[said] = np.clip(np.log(weight / (1 - weight)) + 0.5, 0, 1)
    return result


def _similarities(unit: Any) -> Any:
    """Blocks of the similarity matrix with their first rows; nobody resembles itself."""
    for first in range(0, unit.shape[0], _BLOCK):
        block = (unit[first : first + _BLOCK] @ unit.T).toarray()
        own = np.arange(len(block))
        block[own, first + own] = 0
        yield first, np.maximum(block, 0)


def _spread(values: Sequence[float]) -> Mapping[str, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return {"mean": round(float(np.mean(values)), 4), "low": round(float(low), 4)} | {
        "high": round(float(high), 4)
    }
