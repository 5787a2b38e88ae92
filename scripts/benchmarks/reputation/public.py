"""Seconds for the public score, and how close its whole numbers are to real ones."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from chainrep.reputation.bottleneck import discount
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import public_scores, public_scores_of_many, steps_of
from chainrep.reputation.units import UNIT, WHOLE

REPEATS = 5
MANY = 100
THREADS = 2
DEFAULT = Formula(("nobody",))


def measure_public(graph: Graph, seeds: Sequence[int], stop: int) -> dict[str, Any]:
    """Medians: one seed and a hundred, on two threads, at this chance to stop; then bottlenecks.

    ``l1_to_float`` is the distance in L1 to the same T steps in float64.
    """
    public_scores_of_many(graph, [[seed] for seed in seeds[:9]], stop, threads=THREADS)
    one = _median(lambda: public_scores(graph, seeds[:1], stop, threads=THREADS))
    alone = _median(lambda: public_scores(graph, seeds[:1], stop))
    sets = [[seed] for seed in seeds[:MANY]]
    many = _median(lambda: public_scores_of_many(graph, sets, stop, threads=THREADS), 3)
    scores = public_scores(graph, seeds[:1], stop)
    flowed = public_scores(graph, sorted(seeds), DEFAULT.stop, threads=THREADS)
    discount(graph, sorted(seeds), flowed, DEFAULT.caps)
    return {
        "public_1_seed_s": round(one, 4),
        "public_1_seed_1_thread_s": round(alone, 4),
        "public_100_seeds_s": round(many, 3),
        "bottlenecks_s": round(
            _median(lambda: discount(graph, sorted(seeds), flowed, DEFAULT.caps), 3), 3
        ),
        "l1_to_float": float(np.abs(scores / UNIT - _in_floats(graph, seeds[0], stop)).sum()),
        "steps": steps_of(graph.size),
        "stop": round(stop / WHOLE, 4),
        "threads": THREADS,
    }


def _in_floats(graph: Graph, seed: int, stop: int) -> np.ndarray:
    rater = np.repeat(np.arange(graph.size), np.diff(graph.out.start))
    value = graph.out.weight / graph.out.total[rater]
    matrix = csr_array((value, (graph.out.node, rater)), shape=(graph.size, graph.size))
    held, score, chance = np.zeros(graph.size), np.zeros(graph.size), stop / WHOLE
    held[seed] = 1
    for _ in range(steps_of(graph.size)):
        score += held * chance
        held = matrix @ (held * (1 - chance))
    return np.asarray(score + held)


def _median(work: Callable[[], object], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
