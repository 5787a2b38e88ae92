"""The same computations as in one process, cut into shards for a cluster: the same bytes come out.

Public scores are cut by seed set, walks by seed, fingerprints by account. What is wrong with the
input is found here, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.alias import Alias
from chainrep.reputation.cluster import SharedGraph, ranges
from chainrep.reputation.fingerprints import (
    Fingerprints,
    Tally,
    check_walks,
    join_tallies,
    tallies_of,
)
from chainrep.reputation.graph import Graph, Ints, Nodes
from chainrep.reputation.pagerank import LANES, Scores, check_seeds, public_scores_of_many
from chainrep.reputation.units import WHOLE
from chainrep.reputation.walks import DISCOVERY_STOP, Walks, join_walks, walk_from


def public_scores_on(
    shared: SharedGraph,
    seed_sets: Sequence[Sequence[int]],
    stop: int = WHOLE // 2,
    passing: NDArray[np.uint32] | None = None,
    shards: int | None = None,
) -> Scores:
    """`public_scores_of_many`, errors included, in so many shards: by default one per worker."""
    checked = [check_seeds(seeds, shared.graph.size) for seeds in seed_sets]
    many = shared.cluster.workers if shards is None else shards
    # Shards of whole lanes, unless there are too few sets for that.
    block = LANES if len(checked) >= many * LANES else 1
    work = [(checked[a:b], stop, passing) for a, b in ranges(len(checked), many, block)]
    parts = shared.run(_scores, work)
    return np.concatenate([np.empty((0, shared.graph.size), np.uint64), *parts])


def walk_on(
    shared: SharedGraph,
    seeds: Sequence[int],
    walks_per_seed: int,
    key: bytes,
    stop: int = DISCOVERY_STOP,
    shards: int | None = None,
) -> Walks:
    """`walk_from`, errors included, in so many shards: by default one per worker."""
    ordered = check_seeds(seeds, shared.graph.size)
    cuts = ranges(len(ordered), shared.cluster.workers if shards is None else shards)
    work = [(ordered[a:b], walks_per_seed, key, stop) for a, b in cuts]
    parts = shared.run(_walks, work)
    return join_walks(
        [
            Walks(np.asarray(shard, np.int32), walks_per_seed, start, node)
            for (shard, *_), (start, node) in zip(work, parts, strict=True)
        ]
    )


def build_fingerprints_on(
    shared: SharedGraph, walks_per_account: int, key: bytes, stop: int, shards: int | None = None
) -> Fingerprints:
    """`build_fingerprints` in so many shards, by default four per worker."""
    check_walks(walks_per_account)
    cuts = ranges(shared.graph.size, 4 * shared.cluster.workers if shards is None else shards)
    parts = shared.run(_tallies, [(a, b, walks_per_account, key, stop) for a, b in cuts])
    return join_tallies([tally for part in parts for tally in part], walks_per_account, stop)


def _scores(
    graph: Graph,
    _: Alias,
    seed_sets: Sequence[Sequence[int]],
    stop: int,
    passing: NDArray[np.uint32] | None,
) -> Scores:
    return public_scores_of_many(graph, seed_sets, stop, passing)


def _walks(
    graph: Graph, alias: Alias, seeds: Sequence[int], walks_per_seed: int, key: bytes, stop: int
) -> tuple[Ints, Nodes]:
    walks = walk_from(graph, alias, seeds, walks_per_seed, key, stop)
    return walks.start, walks.node


def _tallies(
    graph: Graph, alias: Alias, first: int, last: int, walks: int, key: bytes, stop: int
) -> list[Tally]:
    return tallies_of(graph, alias, first, last, walks, key, stop)
