"""MeritRank's connectivity decay, from the same kept walks that our own score is counted from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrep.reputation.walks import Walks

TAU = 0.9
BETA = 0.9


def single_way_share(walks: Walks, size: int, seeds: Sequence[int]) -> np.ndarray:
    """T(v): of the walks that hit v, the largest share that came through one other account.

    Seeds do not count as such. float64 of shape (size,); 0 where no walk came.
    """
    walk, node = _first_visits(walks, size)
    met = np.bincount(node, minlength=size)
    best = np.zeros(size)
    through = ~np.isin(node, np.asarray(seeds))
    keys = []
    for lag in range(1, int(np.bincount(walk).max())):
        together = (walk[lag:] == walk[:-lag]) & through[:-lag]
        if not together.any():
            break
        keys.append(node[:-lag][together].astype(np.int64) * size + node[lag:][together])
    if keys:
        pair, count = np.unique(np.concatenate(keys), return_counts=True)
        np.maximum.at(best, pair % size, count / met[pair % size])
    return best


def decayed(hits: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Web3Recommend's rule: an account with T above tau keeps 1 - beta of its score."""
    return np.where(share > TAU, hits * (1 - BETA), hits)


def _first_visits(walks: Walks, size: int) -> tuple[np.ndarray, np.ndarray]:
    walk = np.repeat(np.arange(len(walks.start) - 1), np.diff(walks.start))
    node = walks.node.astype(np.int64)
    _, first = np.unique(walk * size + node, return_index=True)
    first.sort()
    return walk[first], node[first]
