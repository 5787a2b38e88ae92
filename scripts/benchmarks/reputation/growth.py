"""How time and memory grow with the number of edges."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrep.reputation.alias import build_alias
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.walks import walk_from
from scripts.benchmarks.reputation.power_law import power_law

EDGES_PER_ACCOUNT = 5
WALKS = 200_000
REPEATS = 3


def measure_growth(sizes: Sequence[int], seed: int, threads: int) -> list[dict[str, Any]]:
    """One row per number of edges: seconds of each computation, bytes per edge."""
    rows = []
    for edges in sizes:
        started = time.perf_counter()
        graph = power_law(edges // EDGES_PER_ACCOUNT, edges, seed)
        built = time.perf_counter() - started
        source = int(np.argmax(np.diff(graph.out.start)))
        alias_s, alias = _timed(lambda graph=graph: build_alias(graph), 1)
        public_s, _ = _timed(
            lambda graph=graph, source=source: public_scores(graph, [source], threads=threads)
        )
        walks_s, _ = _timed(
            lambda graph=graph, alias=alias, source=source: walk_from(
                graph, alias, [source], WALKS, bytes(32)
            )
        )
        rows.append(
            {
                "edges": edges,
                "accounts": graph.size,
                "generate_and_build_s": round(built, 3),
                "alias_s": round(alias_s, 3),
                "public_1_seed_s": round(public_s, 4),
                "walks_per_s_core": round(WALKS / walks_s),
                "graph_bytes_per_edge": round(graph_bytes(graph) / edges, 1),
                "alias_bytes_per_edge": round((alias.row.nbytes + alias.table.nbytes) / edges, 1),
            }
        )
    return rows


def graph_bytes(graph: Graph) -> int:
    """Bytes of a graph's arrays, both directions; names not counted."""
    arrays = [
        getattr(rows, name)
        for rows in (graph.out, graph.into)
        for name in ("start", "node", "weight", "total")
    ]
    return sum(array.nbytes for array in arrays)


def _timed(run: Any, repeats: int = REPEATS) -> tuple[float, Any]:
    run()  # compiles, and touches the memory
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        found = run()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)), found
