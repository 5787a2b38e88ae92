"""Personalized PageRank by the libraries that people use today, on the same graph and machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import igraph
import networkx
import numpy as np
from scipy.sparse import csr_array

from chainrep.reputation.graph import Graph

TOLERANCE = 1e-6
SEEDS_TIMED = {"igraph": 5, "scipy": 5, "networkx": 1}
"""How many single seeds are timed; 100 of them are that often as long, one after the other."""


def measure_peers(graph: Graph, seeds: Sequence[int], damping: float) -> dict[str, Any]:
    """Seconds for one seed and, by repetition, for 100, of igraph, SciPy and networkx."""
    found = {}
    for name, prepare in (("igraph", _igraph), ("scipy", _scipy), ("networkx", _networkx)):
        run = prepare(graph, damping)
        taken = []
        for seed in seeds[: SEEDS_TIMED[name]]:
            started = time.perf_counter()
            run(seed)
            taken.append(time.perf_counter() - started)
        one = float(np.median(taken))
        found[name] = {
            "public_1_seed_s": round(one, 3),
            "public_100_seeds_s": round(100 * one, 1),
            "seeds_timed": len(taken),
        }
    return found


def _igraph(graph: Graph, damping: float) -> Callable[[int], object]:
    peer = igraph.Graph(graph.size, list(zip(*_pairs(graph), strict=True)), directed=True)
    weights = graph.out.weight.tolist()
    return lambda seed: peer.personalized_pagerank(
        reset_vertices=[seed], weights=weights, damping=damping
    )


def _scipy(graph: Graph, damping: float) -> Callable[[int], object]:
    """Power iteration on the transposed matrix until the change in L1 is below 1e-6."""
    rater, ratee = _pairs(graph)
    value = graph.out.weight / graph.out.total[rater]
    matrix = csr_array((value, (ratee, rater)), shape=(graph.size, graph.size))

    def run(seed: int) -> np.ndarray:
        start = np.zeros(graph.size)
        start[seed] = 1
        found = start
        while True:
            after = (1 - damping) * start + damping * (matrix @ found)
            if np.abs(after - found).sum() < TOLERANCE:
                return np.asarray(after)
            found = after

    return run


def _networkx(graph: Graph, damping: float) -> Callable[[int], object]:
    peer: Any = networkx.DiGraph()
    rater, ratee = _pairs(graph)
    peer.add_weighted_edges_from(
        zip(rater.tolist(), ratee.tolist(), graph.out.weight.tolist(), strict=True)
    )
    return lambda seed: networkx.pagerank(
        peer, alpha=damping, personalization={seed: 1}, tol=TOLERANCE / graph.size
    )


def _pairs(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(graph.size), np.diff(graph.out.start)), graph.out.node
