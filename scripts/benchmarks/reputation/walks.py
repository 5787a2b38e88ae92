"""How fast walks are on one core, with their paths kept."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrep.reputation.alias import build_alias
from chainrep.reputation.graph import Graph
from chainrep.reputation.units import WHOLE
from chainrep.reputation.walks import DISCOVERY_STOP, digest, hits, walk_from

KEY = bytes(range(32))
SEEDS, PER_SEED, REPEATS = 100, 20_000, 7


def measure_walks(graph: Graph, repeats: int = REPEATS) -> dict[str, Any]:
    """Medians of several runs on one core: 2 M walks from 100 seeds, spread evenly.

    ``…_s`` counts time on the wall, ``…_cpu_s`` the time that this process had the core: beside
    other work the second says what the core does. ``digest`` is of the last run.
    """
    began = time.perf_counter()
    alias = build_alias(graph)
    found: dict[str, Any] = {"alias_s": time.perf_counter() - began}
    seeds = range(0, graph.size, max(1, graph.size // SEEDS))
    with one_core():
        for name, stop in (("", DISCOVERY_STOP), ("_stop_half", WHOLE // 2)):
            walks = walk_from(graph, alias, seeds, 10, KEY, stop)  # compiles, or loads
            wall, cpu = [], []
            for _ in range(repeats):
                began, began_cpu = time.perf_counter(), time.process_time()
                walks = walk_from(graph, alias, seeds, PER_SEED, KEY, stop)
                wall.append(time.perf_counter() - began)
                cpu.append(time.process_time() - began_cpu)
            found |= {
                f"walks_per_s_core{name}": len(walks) / statistics.median(cpu),
                f"walks_per_s_wall{name}": len(walks) / statistics.median(wall),
                f"steps_per_s{name}": (len(walks.node) - len(walks)) / statistics.median(cpu),
                f"visits_per_walk{name}": len(walks.node) / len(walks),
                f"walks_digest{name}": digest(walks).hex(),
            }
        hits(walks, graph.size)
        began_cpu = time.process_time()
        hits(walks, graph.size)
        found["hits_walks_per_s_core"] = len(walks) / (time.process_time() - began_cpu)
    return found | {"walks": len(walks), "load": os.getloadavg()[0]}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on the last of its cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
