"""The paths by which most trust flows from the seeds to one account, strongest first.

Floating point orders the paths for a reader; nothing that is published or hashed depends on it.
It multiplies, divides and compares only, so every machine finds the same ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.graph import Graph, Nodes
from chainrep.reputation.pagerank import steps_of
from chainrep.reputation.units import WHOLE

MAX_LOOKS = 100_000
"""Partial paths that are looked at before the search says that it did not finish."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrustPath:
    """Accounts from a seed to the one in question, each once; ``share`` of all trust takes it.

    Of that share the account keeps the chance to stop, or all of it at the last step.
    """

    nodes: Sequence[int]
    share: float


@dataclass(frozen=True, slots=True)
class StrongestPaths:
    """Paths, strongest first; ``complete`` is false where the search was cut off."""

    paths: Sequence[TrustPath]
    complete: bool


def strongest_paths(
    graph: Graph, seeds: Sequence[int], account: int, stop: int, count: int
) -> StrongestPaths:
    """The ``count`` strongest paths without a cycle from ``seeds`` to ``account``.

    A path's share is 1 / seeds, times (1 - stop / 2^16) * weight / total for each of its edges.
    Exact best-first search backwards from the account: the best share with which trust can reach
    an account from any seed, by at most T steps, bounds every path that goes on there.
    """
    if graph.into.start[account] == graph.into.start[account + 1] and account not in seeds:
        return StrongestPaths((), True)
    total = graph.out.total
    rate = np.where(total > 0, (1 - stop / WHOLE) / np.maximum(total, 1), 0.0)
    best = _best_shares(graph, seeds, rate)
    search = _Search(graph, frozenset(seeds), rate, best)
    found = list(search.run(account, count))
    return StrongestPaths(found, search.looks < MAX_LOOKS)


def _best_shares(graph: Graph, seeds: Sequence[int], rate: Floats) -> Floats:
    """The share of the strongest path to each account, float64 of shape (accounts,); 0: none."""
    into = graph.into
    reached = np.flatnonzero(np.diff(into.start))
    first = into.start[reached]
    best = np.zeros(graph.size)
    best[list(seeds)] = 1 / len(seeds)
    if not reached.size:
        return best
    for _ in range(steps_of(graph.size)):
        arriving = np.maximum.reduceat((best * rate)[into.node] * into.weight, first)
        if not (arriving > best[reached]).any():
            break
        best[reached] = np.maximum(best[reached], arriving)
    return best


@dataclass(frozen=True, slots=True)
class _Raters:
    """Who may come before an account on a path: best bound first."""

    node: Nodes
    factor: Floats
    bound: Floats


class _Search:
    """A heap of partial paths; a path's next best sibling enters when it leaves."""

    def __init__(self, graph: Graph, seeds: frozenset[int], rate: Floats, best: Floats) -> None:
        self.looks = 0
        self._into = graph.into
        self._longest = steps_of(graph.size)
        self._seeds, self._rate, self._best = seeds, rate, best
        self._raters: dict[int, _Raters] = {}
        self._heap: list[tuple[float, tuple[int, ...], bool, float, _Sibling | None]] = []

    def run(self, account: int, count: int) -> Iterator[TrustPath]:
        """Up to ``count`` paths that end at the account."""
        if self._best[account] > 0:
            self._push((account,), 1.0, float(self._best[account]), None)
        while self._heap and count and self.looks < MAX_LOOKS:
            self.looks += 1
            below, nodes, whole, share, sibling = heapq.heappop(self._heap)
            if whole:
                count -= 1
                yield TrustPath(nodes, -below)
                continue
            if sibling:
                self._push_rater(sibling.nodes, sibling.share, sibling.place + 1)
            if nodes[0] in self._seeds:
                arrived = share / len(self._seeds)
                heapq.heappush(self._heap, (-arrived, nodes, True, share, None))
            if len(nodes) <= self._longest:
                self._push_rater(nodes, share, 0)

    def _push_rater(self, nodes: tuple[int, ...], share: float, place: int) -> None:
        raters = self._raters_of(nodes[0])
        while place < len(raters.node) and int(raters.node[place]) in nodes:
            place += 1
        if place < len(raters.node):
            longer = (int(raters.node[place]), *nodes)
            bound = float(raters.bound[place]) * share
            sibling = _Sibling(nodes, share, place)
            self._push(longer, share * float(raters.factor[place]), bound, sibling)

    def _push(
        self, nodes: tuple[int, ...], share: float, bound: float, sibling: _Sibling | None
    ) -> None:
        heapq.heappush(self._heap, (-bound, nodes, False, share, sibling))

    def _raters_of(self, account: int) -> _Raters:
        if account not in self._raters:
            row = slice(self._into.start[account], self._into.start[account + 1])
            node = self._into.node[row]
            factor = self._rate[node] * self._into.weight[row]
            bound = self._best[node] * factor
            order = np.lexsort((node, -bound))
            order = order[: np.count_nonzero(bound)]
            self._raters[account] = _Raters(node[order], factor[order], bound[order])
        return self._raters[account]


@dataclass(frozen=True, slots=True)
class _Sibling:
    """From which path a longer one came, and by which of the raters."""

    nodes: tuple[int, ...]
    share: float
    place: int
