"""The public score: personalized PageRank from a seed set, in integers, cut off after T steps.

docs/protocol.md gives the formula to the last floor. Each step's value of an account is a sum of
whole numbers, and adding them in any order gives the same: threads, shards and machines agree to
the last bit, and no convergence test can stop two of them at different steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph, Ints, Nodes, Weights
from chainrep.reputation.jit import compiled
from chainrep.reputation.prefetch import AHEAD, prefetch
from chainrep.reputation.units import UNIT, WHOLE

SHARE_BITS = 14
LANES = 8
"""Seed sets computed side by side, so that one reading of the edges serves all of them."""

Scores = NDArray[np.uint64]


def steps_of(size: int) -> int:
    """How many steps trust takes in a graph of this many accounts: ceil(log2 n) + 4."""
    return (size - 1).bit_length() + 4


def check_seeds(seeds: Sequence[int], size: int) -> Sequence[int]:
    """The seeds in ascending order; raise InputError for none, twins, or one beyond the graph."""
    ordered = sorted(set(seeds))
    if not ordered:
        raise InputError("The seed set is empty: name the accounts from which trust starts.")
    if len(ordered) < len(seeds):
        raise InputError("A seed is named twice.")
    if ordered[0] < 0 or ordered[-1] >= size:
        raise InputError("A seed is not in the graph.")
    return ordered


def public_scores(
    graph: Graph,
    seeds: Sequence[int],
    stop: int = WHOLE // 2,
    passing: NDArray[np.uint32] | None = None,
    threads: int = 1,
) -> Scores:
    """Every account's score in units of 2^-50 of all trust: uint64 of shape (accounts,).

    ``stop`` / 2^16 is the chance that trust stays where it is (0 < stop <= 2^16). An account hands
    on ``passing`` / 2^16 of the rest; None: all of it. Raises InputError as of `check_seeds`.
    """
    return np.asarray(public_scores_of_many(graph, [seeds], stop, passing, threads)[0])


def public_scores_of_many(
    graph: Graph,
    seed_sets: Sequence[Sequence[int]],
    stop: int = WHOLE // 2,
    passing: NDArray[np.uint32] | None = None,
    threads: int = 1,
) -> Scores:
    """The scores from each seed set: uint64 of shape (seed sets, accounts)."""
    if not 0 < stop <= WHOLE:
        raise InputError(f"The chance to stop lies in 1..{WHOLE} parts of {WHOLE}.")
    if passing is None:
        passing = np.full(graph.size, WHOLE, np.uint32)
    if passing.shape != (graph.size,) or passing.max() > WHOLE:
        raise InputError(f"What accounts pass on is one number of at most {WHOLE} for each.")
    checked = [check_seeds(seeds, graph.size) for seeds in seed_sets]
    found = np.empty((len(checked), graph.size), np.uint64)
    lanes = LANES if len(checked) > 1 else 1
    flow = _Flow(graph, stop, passing, lanes, threads)
    with ThreadPoolExecutor(threads) as pool:
        for at in range(0, len(checked), lanes):
            flow.run(checked[at : at + lanes], pool, found[at : at + lanes])
    return found


class _Flow:
    """The memory of one computation, used again for every few seed sets."""

    def __init__(
        self, graph: Graph, stop: int, passing: NDArray[np.uint32], lanes: int, threads: int
    ) -> None:
        self.into, self.total = graph.into, graph.out.total
        self.stop, self.passing = stop, passing
        self.share, self.after, self.score = (
            np.zeros((graph.size, lanes), np.uint64) for _ in range(3)
        )
        # Rows are dealt out by links and not by accounts, so that no thread gets all the hubs.
        cuts = [graph.edges * i // threads for i in range(1, threads)]
        rows = [0, *(int(np.searchsorted(self.into.start, cut)) for cut in cuts), graph.size]
        self.parts = list(pairwise(rows))

    def run(self, seed_sets: Sequence[Sequence[int]], pool: Executor, found: Scores) -> None:
        """Write the scores of at most as many seed sets as there are lanes."""
        self.share.fill(0)
        for lane, seeds in enumerate(seed_sets):
            self.share[list(seeds), lane] = UNIT // len(seeds)
        list(pool.map(self._begin, self.parts))
        for _ in range(steps_of(len(self.total)) - 1):
            list(pool.map(self._step, self.parts))
            self.share, self.after = self.after, self.share
        list(pool.map(self._end, self.parts, [found] * len(self.parts)))

    def _begin(self, part: tuple[int, int]) -> None:
        self.score[slice(*part)] = 0
        _hand_on(*part, self.share, self.score, self.total, self.passing, self.stop)

    def _step(self, part: tuple[int, int]) -> None:
        self._gather(part)
        _hand_on(*part, self.after, self.score, self.total, self.passing, self.stop)

    def _end(self, part: tuple[int, int], found: Scores) -> None:
        self._gather(part)
        _finish(*part, self.after, self.score, found)

    def _gather(self, part: tuple[int, int]) -> None:
        into = self.into
        _gather(*part, into.start, into.node, into.weight, self.share, self.after)


@compiled
def _hand_on(
    first: int,
    last: int,
    held: Scores,
    score: Scores,
    total: Ints,
    passing: NDArray[np.uint32],
    stop: int,
) -> None:  # pragma: no cover (compiled)
    """Let a part of what is held stay, and replace it by each edge's share of the rest."""
    whole, low, bits = np.uint64(16), np.uint64(0xFFFF), np.uint64(SHARE_BITS)
    chance, none = np.uint64(stop), np.uint64(0)
    for u in range(first, last):
        weight, may_pass = np.uint64(total[u]), np.uint64(passing[u])
        for lane in range(held.shape[1]):
            found = held[u, lane]
            if found == none:
                continue
            stays = (found >> whole) * chance + (((found & low) * chance) >> whole)
            score[u, lane] += stays
            goes = found - stays
            if may_pass != WHOLE:
                goes = (goes >> whole) * may_pass + (((goes & low) * may_pass) >> whole)
            held[u, lane] = (goes << bits) // weight if weight else none


@compiled
def _gather(
    first: int,
    last: int,
    start: Ints,
    node: Nodes,
    weight: Weights,
    share: Scores,
    held: Scores,
) -> None:  # pragma: no cover (compiled)
    bits = np.uint64(SHARE_BITS)
    if held.shape[1] == 1:
        for v in range(first, last):
            found = np.uint64(0)
            for i in range(np.uint64(start[v]), np.uint64(start[v + 1])):
                found += (share[np.uint64(node[i]), 0] * np.uint64(weight[i])) >> bits
            held[v, 0] = found
        return
    # Eight sums in registers: an array of them would be allocated anew for every row.
    final, ahead = np.uint64(len(node) - 1), np.uint64(AHEAD)
    for v in range(first, last):
        a = b = c = d = e = f = g = h = np.uint64(0)
        for i in range(np.uint64(start[v]), np.uint64(start[v + 1])):
            prefetch(share, np.uint64(node[min(i + ahead, final)]))
            u, w = np.uint64(node[i]), np.uint64(weight[i])
            a += (share[u, 0] * w) >> bits
            b += (share[u, 1] * w) >> bits
            c += (share[u, 2] * w) >> bits
            d += (share[u, 3] * w) >> bits
            e += (share[u, 4] * w) >> bits
            f += (share[u, 5] * w) >> bits
            g += (share[u, 6] * w) >> bits
            h += (share[u, 7] * w) >> bits
        held[v, 0], held[v, 1], held[v, 2], held[v, 3] = a, b, c, d
        held[v, 4], held[v, 5], held[v, 6], held[v, 7] = e, f, g, h


@compiled
def _finish(
    first: int, last: int, held: Scores, score: Scores, found: Scores
) -> None:  # pragma: no cover (compiled)
    for v in range(first, last):
        for lane in range(len(found)):
            found[lane, v] = score[v, lane] + held[v, lane]
