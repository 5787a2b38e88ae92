"""The graphs that are attacked, and the accounts from which trust starts on them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.ratings import Ratings, graph_of
from scripts.benchmarks.reputation.power_law import power_law

NEVER, END = 2**40, 2**32
"""A half-life so long that age plays no part: what is measured here is attacks."""
SEEDS = 20


def otc_ratings(folder: Path) -> Ratings:
    """Bitcoin OTC: 5,881 accounts, 35,592 ratings -10..10 in units, with their times."""
    with (folder / "soc-sign-bitcoinotc.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    names = sorted({name for row in rows for name in row[:2]})
    place = {name: i for i, name in enumerate(names)}
    columns = [
        [place[row[0]], place[row[1]], round(float(row[2]) * 100), int(float(row[3]))]
        for row in rows
    ]
    rater, ratee, amount, time = np.array(columns).T
    return Ratings(names, rater.astype(np.int32), ratee.astype(np.int32), amount, time)


def bitcoin_otc(folder: Path) -> Graph:
    """The same as a graph, negative ratings as warnings."""
    return graph_of(otc_ratings(folder), END, NEVER)


def epinions(folder: Path) -> Graph:
    """Epinions: 75,877 accounts; an undirected list of pairs, read in both directions."""
    pairs = np.loadtxt(folder / "soc-Epinions1.txt", np.int64, comments="#")[:, :2]
    both = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    both = both[both[:, 0] != both[:, 1]]
    found, number = np.unique(both, return_inverse=True)
    number = number.reshape(both.shape)
    names = [f"{name:09d}" for name in found]
    weight = np.full(len(both), 100)
    return build_graph(names, make_links(number[:, 0], number[:, 1], weight))


def synthetic(_: Path) -> Graph:
    """A million edges among 200,000 accounts, drawn from a power law."""
    return power_law(200_000, 1_000_000, 0)


GRAPHS: Mapping[str, Callable[[Path], Graph]] = {
    "bitcoin_otc": bitcoin_otc,
    "epinions": epinions,
    "power_law_1m": synthetic,
}


def top_seeds(graph: Graph, _: np.random.Generator) -> Sequence[int]:
    """The 20 accounts that most others trust."""
    return _ascending(np.argsort(-np.diff(graph.into.start), kind="stable")[:SEEDS])


def random_seeds(graph: Graph, rng: np.random.Generator) -> Sequence[int]:
    """20 accounts at random among those that trust, and are trusted by, five or more."""
    return _ascending(rng.choice(_active(graph), SEEDS, replace=False))


def one_seed(graph: Graph, rng: np.random.Generator) -> Sequence[int]:
    """One such account: the reputation as one user sees it."""
    return _ascending(rng.choice(_active(graph), 1))


POLICIES: Mapping[str, Callable[[Graph, np.random.Generator], Sequence[int]]] = {
    "top": top_seeds,
    "random": random_seeds,
    "one": one_seed,
}


def _active(graph: Graph) -> np.ndarray:
    return np.flatnonzero((np.diff(graph.out.start) >= 5) & (np.diff(graph.into.start) >= 5))


def _ascending(accounts: np.ndarray) -> Sequence[int]:
    return sorted(int(account) for account in accounts)
