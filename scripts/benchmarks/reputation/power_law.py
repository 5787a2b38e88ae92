"""A seeded graph in which few accounts rate much and few, others, are rated much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.graph import Graph, build_graph, make_links

EXPONENT = 0.7
MAX_WEIGHT = 1_000


def power_law(accounts: int, edges: int, seed: int) -> Graph:
    """Exactly ``edges`` pairs, both ends drawn with chance ~ rank^-0.7, weights 1..1,000.

    Ranks as a rater and as a ratee are independent. Pairs drawn again, and self-ratings, are
    drawn anew.
    """
    if edges > accounts * (accounts - 1) // 4:
        raise ValueError("Too many edges for so few accounts.")
    rng = np.random.default_rng(seed)
    ends = [rng.permutation(accounts) for _ in range(2)]
    pairs = np.empty(0, np.int64)
    while len(pairs) < edges:
        many = edges - len(pairs) + edges // 8
        rater, ratee = (end[_ranks(rng, accounts, many)] for end in ends)
        pairs = _once(np.concatenate([pairs, (rater * accounts + ratee)[rater != ratee]]))
    pairs = np.delete(pairs, rng.choice(len(pairs), len(pairs) - edges, replace=False))
    weight = rng.integers(1, MAX_WEIGHT + 1, edges)
    names = [f"account-{i:09d}" for i in range(accounts)]
    return build_graph(names, make_links(pairs // accounts, pairs % accounts, weight))


def _ranks(rng: np.random.Generator, accounts: int, many: int) -> NDArray[np.int64]:
    """Ranks from 0, by the inverse of the integral of x^-0.7 from 1 to ``accounts`` + 1."""
    power = 1 - EXPONENT
    whole = (accounts + 1) ** power - 1
    drawn = (1 + whole * rng.random(many)) ** (1 / power)
    return np.asarray(np.minimum(drawn.astype(np.int64), accounts) - 1)


def _once(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The pairs in ascending order; numpy's `unique` takes eight times as long."""
    pairs.sort()
    return pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
