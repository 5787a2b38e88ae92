"""Ours and what went before, each as one function of a graph and its seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrep.reputation.alias import build_alias
from chainrep.reputation.bottleneck import discount
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import Scores, public_scores
from chainrep.reputation.personal_score import personal_flow, personal_scores
from chainrep.reputation.units import WHOLE
from chainrep.reputation.walks import Walks, hits, walk_from
from scripts.benchmarks.sybil.meritrank import TAU, decayed, single_way_share

KEY = bytes(range(32))
WALKS = 400_000
"""In all, over the seeds."""
DECAYED_WALKS = 40_000
"""As many as connectivity decay is measured on: it looks at every pair of accounts on a path."""
THREADS = 2
DEFAULT = Formula(("nobody",))
DISCOVERY = round(0.15 * WHOLE)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores of shape (accounts,), those without discounts, and who was marked down."""

    scores: np.ndarray
    plain: np.ndarray
    flagged: np.ndarray


def public(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """The published score before warnings: integer PageRank, bottlenecks capped."""
    flowed = public_scores(graph, seeds, DEFAULT.stop, threads=THREADS)
    return _capped(graph, seeds, flowed)


def personal(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """The personal score: unique hits of keyed walks, bottlenecks capped."""
    walks = _walks(graph, seeds, DEFAULT.stop)
    met = personal_flow(walks, graph.size, THREADS)
    scores = personal_scores(graph, walks, DEFAULT.stop, DEFAULT.caps, THREADS)
    return Ranked(scores, met, scores < met)


def meritrank_alpha(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """MeritRank with transitivity decay alone, at its usual .15."""
    return _plain(hits(_walks(graph, seeds, DISCOVERY), graph.size, THREADS))


def meritrank_alpha_high(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """The same at the decay that ours uses."""
    return _plain(hits(_walks(graph, seeds, DEFAULT.stop), graph.size, THREADS))


def meritrank_beta(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """MeritRank with connectivity decay .9 at tau .9, transitivity .15."""
    return _decayed(graph, seeds, DISCOVERY)


def meritrank_beta_high(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """The same with transitivity decay as ours."""
    return _decayed(graph, seeds, DEFAULT.stop)


def pagerank(graph: Graph, seeds: Sequence[int]) -> Ranked:
    """Plain personalized PageRank at damping .85, nothing capped."""
    return _plain(public_scores(graph, seeds, DISCOVERY, threads=THREADS))


SYSTEMS: Mapping[str, Callable[[Graph, Sequence[int]], Ranked]] = {
    "public": public,
    "personal": personal,
    "meritrank_alpha_.15": meritrank_alpha,
    "meritrank_alpha_.875": meritrank_alpha_high,
    "meritrank_beta_.15": meritrank_beta,
    "meritrank_beta_.875": meritrank_beta_high,
    "pagerank_.15": pagerank,
}


def _walks(graph: Graph, seeds: Sequence[int], stop: int, walks: int = WALKS) -> Walks:
    each = -(-walks // len(seeds))
    return walk_from(graph, build_alias(graph), seeds, each, KEY, stop, THREADS)


def _capped(graph: Graph, seeds: Sequence[int], scores: Scores) -> Ranked:
    found = discount(graph, seeds, scores, DEFAULT.caps).scores
    return Ranked(found, scores, found < scores)


def _plain(scores: np.ndarray) -> Ranked:
    return Ranked(scores, scores, np.zeros(len(scores), bool))


def _decayed(graph: Graph, seeds: Sequence[int], stop: int) -> Ranked:
    walks = _walks(graph, seeds, stop, DECAYED_WALKS)
    met = hits(walks, graph.size, THREADS)
    share = single_way_share(walks, graph.size, seeds)
    return Ranked(decayed(met, share), met, share > TAU)
