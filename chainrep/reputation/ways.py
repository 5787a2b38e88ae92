"""The ways of trust: the links over which it comes from the seeds, and whom it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.dominators import find_dominators
from chainrep.reputation.graph import Graph, Ints, Nodes, Weights
from chainrep.reputation.jit import compiled
from chainrep.reputation.pagerank import Scores, check_seeds

MAX_REACHED = 2**26
"""Accounts that one computation takes: beyond it the counters of its searches could wrap."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The links that carry trust: from the seeds, through accounts whose score is above 0.

    ``start``, ``node`` and ``weight`` are rows as in `graph.Rows`, of each account's raters, in
    breadth-first order from the seeds; ``order``, int32, is that order of the accounts reached.
    ``dominator`` is the one account without whom no trust reaches another, as in `find_dominators`.
    """

    start: Ints
    node: Nodes
    weight: Weights
    order: Nodes
    seeds: Nodes
    dominator: Nodes


def find_ways(graph: Graph, seeds: Sequence[int], scores: Scores) -> Ways:
    """The ways of trust; raise InputError as of `check_seeds`, or for other accounts' scores."""
    if scores.shape != (graph.size,) or scores.dtype != np.uint64:
        raise InputError("The scores are not those of this graph: one uint64 for each account.")
    first = np.array(check_seeds(seeds, graph.size), np.int32)
    out = graph.out
    start, node, weight, order = _ways(out.start, out.node, out.weight, scores, first)
    if len(order) > MAX_REACHED:
        raise InputError(f"Trust reaches more than {MAX_REACHED:,} accounts: too many for cuts.")
    dominator = find_dominators(out, start, node, order, first)
    return Ways(start, node, weight, order, first, dominator)


@compiled
def _ways(
    start: Ints, node: Nodes, weight: Weights, scores: Scores, seeds: Nodes
) -> tuple[Ints, Nodes, Weights, Nodes]:  # pragma: no cover (compiled)
    size = len(start) - 1
    reached = np.zeros(size, np.uint8)
    order = np.empty(size, np.int32)
    tail = 0
    for seed in seeds:
        reached[seed] = 1
        order[tail] = seed
        tail += 1
    rows = np.zeros(size + 1, np.int64)
    head = 0
    while head < tail:
        u = order[head]
        head += 1
        for i in range(start[u], start[u + 1]):
            v = node[i]
            if reached[v] == 0 and scores[v] > 0:
                reached[v] = 1
                order[tail] = v
                tail += 1
            rows[v + 1] += reached[v]
    for i in range(size):
        rows[i + 1] += rows[i]
    place = rows[:-1].copy()
    raters = np.empty(rows[size], np.int32)
    weights = np.empty(rows[size], np.uint32)
    for u in order[:tail]:
        for i in range(start[u], start[u + 1]):
            v = node[i]
            if reached[v] == 1:
                raters[place[v]] = u
                weights[place[v]] = weight[i]
                place[v] += 1
    return rows, raters, weights, order[:tail].copy()


# A search walks over two places of each account u: 2u, where trust comes in, and 2u + 1, where it
# goes out. Columns of `state`: the last search that saw the place; the place it came from; how much
# of its row is done; and, for 2u, the account to which u's path goes on (or FREE, or SEED).
