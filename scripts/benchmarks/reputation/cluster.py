"""Whether one thread, two, shuffled edges and Ray give the same bytes, and what Ray costs."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from chainrep.reputation.alias import build_alias
from chainrep.reputation.cluster import open_cluster
from chainrep.reputation.fingerprints import Fingerprints, build_fingerprints
from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.pagerank import LANES, Scores, public_scores_of_many
from chainrep.reputation.shards import build_fingerprints_on, public_scores_on, walk_on
from chainrep.reputation.walks import DISCOVERY_STOP, Walks, digest, walk_from
from scripts.benchmarks.reputation.fingerprints import WALKS, measure_fingerprints
from scripts.benchmarks.reputation.power_law import power_law
from scripts.benchmarks.reputation.walks import KEY

SEED_SETS, WALKS_PER_SEED, WORKERS = 100, 10_000, 2

T = TypeVar("T")


def measure_cluster(graph: Graph) -> dict[str, Any]:
    """``digests``: of public scores and walks from 100 seeds, and of fingerprints, each way.

    ``seconds`` is on the wall, with the kernels compiled and loaded before, without the hashing.
    """
    seeds = list(range(0, graph.size, -(-graph.size // SEED_SETS)))
    seed_sets = [[seed] for seed in seeds]
    few = seeds[: 2 * LANES]
    digests: dict[str, dict[str, str]] = {"scores": {}, "walks": {}, "fingerprints": {}}
    seconds: dict[str, dict[str, float]] = {name: {} for name in digests}

    def note(way: str, what: str, run: Callable[[], T], hashed: Callable[[T], bytes]) -> None:
        began = time.perf_counter()
        found = run()
        seconds[what][way] = time.perf_counter() - began
        digests[what][way] = hashed(found).hex()

    def alone(way: str, graph: Graph, threads: int) -> None:
        def scores() -> Scores:
            return public_scores_of_many(graph, seed_sets, threads=threads)

        def walks() -> Walks:
            return walk_from(graph, alias, seeds, WALKS_PER_SEED, KEY, threads=threads)

        def prints() -> Fingerprints:
            return build_fingerprints(graph, WALKS, KEY, DISCOVERY_STOP, threads)

        alias = build_alias(graph)
        note(way, "scores", scores, _of)
        note(way, "walks", walks, digest)
        note(way, "fingerprints", prints, _of_prints)

    _warm_up(few)
    alone("threads_1", graph, 1)
    alone("threads_2", graph, 2)
    alone("shuffled", shuffled(graph), 1)
    began = time.perf_counter()
    with open_cluster(workers=WORKERS) as cluster:
        opened = time.perf_counter()
        shared = cluster.share(graph)
        put = time.perf_counter()
        public_scores_on(shared, [[seed] for seed in few])
        build_fingerprints_on(shared, 1, KEY, DISCOVERY_STOP)
        note("ray", "scores", lambda: public_scores_on(shared, seed_sets), _of)
        note("ray", "walks", lambda: walk_on(shared, seeds, WALKS_PER_SEED, KEY), digest)
        note(
            "ray",
            "fingerprints",
            lambda: build_fingerprints_on(shared, WALKS, KEY, DISCOVERY_STOP),
            _of_prints,
        )
    return {
        "digests": digests,
        "digests_equal": all(len(set(ways.values())) == 1 for ways in digests.values()),
        "seconds": seconds,
        "seed_sets": len(seed_sets),
        "ray_workers": WORKERS,
        "ray_start_s": opened - began,
        "ray_share_s": put - opened,
        "fingerprints": measure_fingerprints(graph),
        "load": os.getloadavg()[0],
    }


def _warm_up(seeds: list[int]) -> None:
    """Compile or load all kernels, on a graph in which nothing takes time."""
    small = power_law(1000, 3000, 1)
    public_scores_of_many(small, [[seed % 1000] for seed in seeds])
    build_fingerprints(small, 1, KEY, DISCOVERY_STOP)


def shuffled(graph: Graph) -> Graph:
    """The same graph, built again from its edges in another order."""
    rater = np.repeat(np.arange(graph.size), np.diff(graph.out.start))
    order = np.random.default_rng(11).permutation(graph.edges)
    columns = (rater, graph.out.node, graph.out.weight)
    return build_graph(graph.accounts, make_links(*(column[order] for column in columns)))


def _of(scores: Scores) -> bytes:
    return hashlib.sha256(scores.astype(">u8").tobytes()).digest()


def _of_prints(prints: Fingerprints) -> bytes:
    columns = ((prints.start, ">i8"), (prints.node, ">i4"), (prints.count, ">u2"))
    return hashlib.sha256(b"".join(c.astype(t).tobytes() for c, t in columns)).digest()
