"""What an attack gained, and what the defence cost the honest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrep.reputation.attacks import Attacked

PERSISTENCE = 0.98
DEPTH = 100


def gains(before: np.ndarray, after: np.ndarray, attacked: Attacked) -> dict[str, float]:
    """What attackers have with their Sybils, over what they had while they trusted nobody.

    ``own`` is the largest gain of one attacker on its own account, ``total`` that of all of them
    together, Sybils included.
    """
    attackers, sybils = np.asarray(attacked.attackers), np.asarray(attacked.sybils, np.int64)
    had = before[attackers].astype(float)
    own = after[attackers][had > 0] / had[had > 0]
    total = (after[attackers].sum() + after[sybils].sum()) / had.sum()
    return {"own": round(float(own.max()), 4), "total": round(float(total), 4)}


def top(scores: np.ndarray, left_out: Sequence[int], depth: int = DEPTH) -> list[int]:
    """The accounts with the highest scores, seeds left out; ties by number."""
    order = np.argsort(-scores.astype(float), kind="stable")
    kept = order[~np.isin(order, np.asarray(left_out))]
    return [int(account) for account in kept[:depth]]


def overlap(one: Sequence[int], other: Sequence[int], p: float = PERSISTENCE) -> float:
    """Rank-biased overlap (Webber, Moffat, Zobel 2010), extrapolated from these depths."""
    seen_one, seen_other = set[int](), set[int]()
    total, shared, depth = 0.0, 0, min(len(one), len(other))
    for d in range(1, depth + 1):
        seen_one.add(one[d - 1])
        seen_other.add(other[d - 1])
        shared = len(seen_one & seen_other)
        total += p**d * shared / d
    return (1 - p) / p * total + shared / depth * p**depth
