"""What a view by fingerprints costs, and how near it comes to the exact score."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.alias import build_alias
from chainrep.reputation.fingerprints import Fingerprints, build_fingerprints
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import public_scores_of_many
from chainrep.reputation.personal_view import View, best_of_each, personalized
from chainrep.reputation.units import UNIT, WHOLE
from chainrep.reputation.walks import DISCOVERY_STOP, walk_from
from scripts.benchmarks.reputation.walks import KEY

WALKS = 32
PUSH_STEPS = (10, 100, 1000)
QUESTIONS, COMPARED, TOP = 1000, 32, 100

Shares = NDArray[np.float64]


def measure_fingerprints(graph: Graph) -> dict[str, Any]:
    """For both chances to stop: build and memory, then per number of steps the price and error.

    Accounts asked about are drawn among those that trust somebody. ``l1`` and ``precision_at_100``
    are means against the exact score; ``plain`` is visits of as many walks as take the same time.
    Times are of this process on its cores (``wall`` apart); floats are for statistics alone.
    """
    rng = np.random.default_rng(5)
    asked = rng.choice(np.flatnonzero(graph.out.total > 0), QUESTIONS).tolist()
    found: dict[str, Any] = {"walks_per_account": WALKS}
    for name, stop in (("stop_0.15", DISCOVERY_STOP), ("stop_0.5", WHOLE // 2)):
        began, began_cpu = time.perf_counter(), time.process_time()
        prints = build_fingerprints(graph, WALKS, KEY, stop)
        columns = (prints.start, prints.node, prints.count)
        found[name] = {
            "build_s": time.process_time() - began_cpu,
            "build_wall_s": time.perf_counter() - began,
            "bytes_per_account": sum(column.nbytes for column in columns) / graph.size,
        }
        exact = public_scores_of_many(graph, [[account] for account in asked[:COMPARED]], stop)
        for steps in PUSH_STEPS:
            figures = _views(graph, prints, asked, steps, exact / UNIT)
            figures["plain"] = _plain(graph, asked, stop, figures["query_mean_ms"], exact / UNIT)
            found[name][f"steps_{steps}"] = figures
        began_cpu = time.process_time()
        best_of_each(prints, graph, asked, 100, TOP)
        found[name]["best_100_of_each_ms"] = (time.process_time() - began_cpu) * 1e3 / len(asked)
    return found | {"load": os.getloadavg()[0]}


def _views(
    graph: Graph, prints: Fingerprints, asked: list[int], steps: int, truth: Shares
) -> dict[str, Any]:
    cpu, wall = _times(lambda account: personalized(prints, graph, account, steps), asked)
    views = [personalized(prints, graph, account, steps) for account in asked[: len(truth)]]
    return {
        "query_p50_ms": float(np.percentile(cpu, 50)),
        "query_p99_ms": float(np.percentile(cpu, 99)),
        "query_mean_ms": float(np.mean(cpu)),
        "query_p50_wall_ms": float(np.percentile(wall, 50)),
        "query_p99_wall_ms": float(np.percentile(wall, 99)),
        "accounts_in_view": float(np.mean([len(view.node) for view in views])),
        **_nearness((_spread(view, graph.size) for view in views), truth),
    }


def _times(ask: Callable[[int], object], asked: list[int]) -> tuple[list[float], list[float]]:
    """Milliseconds of each question, on the core and on the wall."""
    ask(asked[0])
    cpu, wall = [], []
    for account in asked:
        began, began_cpu = time.perf_counter_ns(), time.process_time_ns()
        ask(account)
        cpu.append((time.process_time_ns() - began_cpu) / 1e6)
        wall.append((time.perf_counter_ns() - began) / 1e6)
    return cpu, wall


def _spread(view: View, size: int) -> Shares:
    shares = np.zeros(size)
    shares[view.node] = view.value / UNIT
    return shares


def _nearness(found: Iterable[Shares], truth: Shares) -> dict[str, float]:
    errors, right = [], []
    for shares, true in zip(found, truth, strict=True):
        errors.append(float(np.abs(shares - true).sum()))
        right.append(len(_first(shares) & _first(true)) / TOP)
    return {"l1": float(np.mean(errors)), "precision_at_100": float(np.mean(right))}


def _first(shares: Shares) -> set[int]:
    return set(np.argsort(-shares, kind="stable")[:TOP].tolist())


def _plain(
    graph: Graph, asked: list[int], stop: int, milliseconds: float, truth: Shares
) -> dict[str, float]:
    """Visits of keyed walks from the account alone, as many as the time allows."""
    alias = build_alias(graph)

    def visits(account: int, walks: int) -> Shares:
        node = walk_from(graph, alias, [account], walks, KEY, stop).node
        met = np.bincount(node, minlength=graph.size).astype(np.float64)
        return met * (stop / WHOLE / walks)

    def price(walks: int) -> float:
        cpu, _ = _times(lambda a: walk_from(graph, alias, [a], walks, KEY, stop), asked[:200])
        return float(np.mean(cpu))

    walks = 64
    while price(2 * walks) < milliseconds:
        walks *= 2
    shares = (visits(account, walks) for account in asked[: len(truth)])
    return {"walks": walks, **_nearness(shares, truth)}
