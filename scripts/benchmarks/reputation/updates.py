"""What one changed edge costs while walks are kept up to date, and whether nothing drifts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrep.reputation.alias import build_alias
from chainrep.reputation.graph import Graph
from chainrep.reputation.live_walks import LiveWalks
from chainrep.reputation.walks import DISCOVERY_STOP, digest, hits, walk_from
from scripts.benchmarks.reputation.walks import KEY, one_core


def measure_updates(
    graph: Graph, walks: int, updates: int, egos: int = 1_000, stop: int = DISCOVERY_STOP
) -> dict[str, Any]:
    """So many seeded updates, a third each of inserts, removals and new weights.

    Pairs to insert are drawn uniformly, edges to remove or reweight uniformly from those there are,
    weights from those of the graph. The walks start from ``egos`` accounts, spread evenly.
    ``…_cpu_us`` counts the time that this process had the core, for a machine with other work.
    """
    seeds = range(0, graph.size, -(-graph.size // egos))
    per_seed = walks // len(seeds)
    alias = build_alias(graph)
    live = LiveWalks(graph, alias, seeds, per_seed, KEY, stop)
    moves = list(_moves(graph, updates))
    LiveWalks(graph, alias, seeds[:1], 1, KEY, stop).set_edge(*moves[0])  # compiles, or loads
    wall, cpu = [], []
    clock, cpu_clock = time.perf_counter_ns, time.thread_time_ns
    with one_core():
        for rater, ratee, weight in moves:
            began_cpu, began = cpu_clock(), clock()
            if weight:
                live.set_edge(rater, ratee, weight)
            else:
                live.remove_edge(rater, ratee)
            wall.append(clock() - began)
            cpu.append(cpu_clock() - began_cpu)
    changed = live.graph()
    rebuilt = walk_from(changed, build_alias(changed), seeds, per_seed, KEY, stop)
    p50, p99 = np.percentile(wall, [50, 99]) / 1e3
    p50_cpu, p99_cpu = np.percentile(cpu, [50, 99]) / 1e3
    return {
        "updates": updates,
        "live_walks": len(rebuilt),
        "egos": len(seeds),
        "update_p50_us": float(p50),
        "update_p99_us": float(p99),
        "update_p50_cpu_us": float(p50_cpu),
        "update_p99_cpu_us": float(p99_cpu),
        "update_mean_cpu_us": float(np.mean(cpu)) / 1e3,
        "bit_equal": digest(live.walks()) == digest(rebuilt)
        and np.array_equal(live.hits, hits(rebuilt, changed.size)),
        "load": os.getloadavg()[0],
    }


def _moves(graph: Graph, updates: int) -> Iterator[tuple[int, int, int]]:
    """(rater, ratee, weight), weight 0: remove. The first is an insert."""
    rng = np.random.default_rng(7)
    rater = np.repeat(np.arange(graph.size), np.diff(graph.out.start))
    pairs = list(zip(rater.tolist(), graph.out.node.tolist(), strict=True))
    there = set(pairs)
    for i in range(updates):
        weight = int(graph.out.weight[rng.integers(graph.edges)])
        if i % 3 == 0:
            pair = pairs[0]
            while pair in there or pair[0] == pair[1]:
                pair = (int(rng.integers(graph.size)), int(rng.integers(graph.size)))
            there.add(pair)
            pairs.append(pair)
        else:
            at = int(rng.integers(len(pairs)))
            pair = pairs[at]
            if i % 3 == 1:
                weight = 0
                pairs[at] = pairs[-1]
                pairs.pop()
                there.remove(pair)
        yield *pair, weight
