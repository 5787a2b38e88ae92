"""What a reader is recommended when a ring of Sybils rates junk and pretends to share its taste."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.item_graph import ItemGraph, build_item_graph
from chainrep.reputation.pagerank import Scores, public_scores
from chainrep.reputation.recommend import recommend
from scripts.benchmarks.sybil.clicks import measure_clicks

CLUSTERS, MEMBERS, ITEMS_EACH, JUNK = 6, 50, 150, 10
RATED, HELD_OUT, READERS, TOP = 20, 5, 40, 10
ATTACK_EDGES = 30
STOP = int(0.3 * 2**16)
NOW, HALF_LIFE = 1_000, 400

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Community:
    """Accounts, honest ones first; what they rate, and what of it was hidden from the rankers."""

    trust: Graph
    ratings: ItemGraph
    hidden: dict[int, frozenset[str]]


def measure_recommend(seeds: Sequence[int] = (5, 6, 7)) -> dict[str, Any]:
    """Junk and held-out items in the top ten at 10 % and 50 % attackers; then the click logs."""
    found: dict[str, Any] = {"seeds": list(seeds), "readers": READERS * len(seeds)}
    for percent in (10, 50):
        junk: dict[str, list[float]] = {}
        hits: dict[str, list[float]] = {}
        spent = 0.0
        for seed in seeds:
            rng = np.random.default_rng(seed)
            community = _community(rng, attackers=percent)
            for reader in map(int, rng.permutation(CLUSTERS * MEMBERS)[:READERS]):
                lists, took = _lists(community, reader)
                spent += took
                for name, items in lists.items():
                    hidden = community.hidden[reader]
                    share = sum(i.startswith("junk") for i in items) / TOP
                    junk.setdefault(name, []).append(share)
                    hits.setdefault(name, []).append(len(hidden & set(items)) / len(hidden))
        found[f"junk_share_top10_{percent}"] = _means(junk)
        found[f"held_out_found_{percent}"] = _means(hits)
        found[f"recommend_ms_{percent}"] = round(1000 * spent / found["readers"], 2)
    return found | {"clicks": measure_clicks()}


def _lists(community: Community, reader: int) -> tuple[dict[str, list[str]], float]:
    scores = public_scores(community.trust, [reader], stop=STOP)
    begun = time.perf_counter()
    ours = recommend(community.ratings, scores, NOW, HALF_LIFE, reader, most=TOP)
    took = time.perf_counter() - begun
    return {
        "trusted_salsa": [found.item for found in ours],
        "trusted_popularity": _popular(community.ratings, reader, scores),
        "salsa": _plain_salsa(community.ratings, reader),
        "popularity": _popular(community.ratings, reader, None),
    }, took


def _means(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(sum(each) / len(each), 4) for name, each in values.items()}


def _community(rng: np.random.Generator, attackers: int) -> Community:
    """Clusters that rate their own items and trust each other; a ring behind few attack edges.

    Each Sybil rates all the junk and as many popular honest items as an honest account does.
    """
    honest = CLUSTERS * MEMBERS
    sybils = honest * attackers // (100 - attackers)
    items = sorted(
        [f"item {i:04}" for i in range(CLUSTERS * ITEMS_EACH)]
        + [f"junk {i:02}" for i in range(JUNK)]
    )
    popular = 1 / np.arange(1, ITEMS_EACH + 1)
    rows: list[tuple[int, int, int]] = []
    hidden: dict[int, frozenset[str]] = {}
    for account in range(honest):
        first = account // MEMBERS * ITEMS_EACH
        own = first + rng.choice(ITEMS_EACH, RATED, replace=False, p=popular / popular.sum())
        held = rng.permutation(own)[:HELD_OUT]
        hidden[account] = frozenset(items[i] for i in held)
        strange = rng.integers(0, CLUSTERS * ITEMS_EACH, 3)
        kept = set(own.tolist()) - set(held.tolist()) | (set(strange.tolist()) - set(held.tolist()))
        rows += [(account, i, int(rng.integers(0, NOW))) for i in sorted(kept)]
    head = np.arange(CLUSTERS * ITEMS_EACH).reshape(CLUSTERS, -1)[:, :10].ravel()
    for account in range(honest, honest + sybils):
        copied = rng.choice(head, RATED - JUNK, replace=False)
        junk = np.arange(len(items) - JUNK, len(items))
        rows += [(account, int(i), NOW) for i in np.concatenate([copied, junk])]
    table = np.array(rows)
    ratings = build_item_graph(
        honest + sybils, items, table[:, 0], table[:, 1], np.full(len(table), 1), table[:, 2]
    )
    return Community(_trust(rng, honest, sybils), ratings, hidden)


def _trust(rng: np.random.Generator, honest: int, sybils: int) -> Graph:
    """Four friends in the cluster and six anywhere; ``ATTACK_EDGES`` into a dense ring."""
    pairs: set[tuple[int, int]] = set()
    for account in range(honest):
        first = account // MEMBERS * MEMBERS
        friends = [int(i) for i in first + rng.choice(MEMBERS, 5, replace=False)]
        pairs |= {(account, i) for i in [*friends, *map(int, rng.integers(0, honest, 6))]}
    for account in range(honest, honest + sybils):
        pairs |= {(account, int(i)) for i in honest + rng.integers(0, sybils, 10)}
    fooled = rng.integers(0, honest, ATTACK_EDGES)
    pairs |= {(int(i), int(honest + rng.integers(0, sybils))) for i in fooled}
    table = np.array(sorted((a, b) for a, b in pairs if a != b))
    names = [f"account {i:05}" for i in range(honest + sybils)]
    return build_graph(names, make_links(table[:, 0], table[:, 1], np.ones(len(table), np.int64)))


def _popular(graph: ItemGraph, reader: int, trust: Scores | None) -> list[str]:
    """By the number of ratings, or by the trust of those who gave them."""
    worth = np.ones(len(graph.item)) if trust is None else trust[graph.account].astype(float)
    return _top(graph, np.bincount(graph.item, worth, len(graph.items)), reader)


def _plain_salsa(graph: ItemGraph, reader: int) -> list[str]:
    """SALSA from the reader alone, three rounds, blind to trust; floats, as it is only a peer."""
    held: NDArray[Any] = np.zeros(graph.accounts)
    held[reader] = 1
    given_by = np.maximum(np.bincount(graph.account, minlength=graph.accounts), 1)
    got_by = np.maximum(np.bincount(graph.item, minlength=len(graph.items)), 1)
    score: NDArray[Any] = np.zeros(len(graph.items))
    for _ in range(3):
        items = np.bincount(graph.item, (held / given_by)[graph.account], len(graph.items))
        score += items
        held = np.bincount(graph.account, (items / got_by)[graph.item], graph.accounts)
    return _top(graph, score, reader)


def _top(graph: ItemGraph, score: NDArray[Any], reader: int) -> list[str]:
    score = score.copy()
    score[graph.rated_by(reader)] = 0
    return [graph.items[i] for i in np.argsort(-score, kind="stable")[:TOP]]
