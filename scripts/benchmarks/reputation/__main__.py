"""Speed, memory and exactness of the reputation engine, beside the libraries used today."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table, progress
from chainrep.reputation.graph import Graph
from chainrep.reputation.units import WHOLE
from scripts.benchmarks.reputation.cluster import measure_cluster
from scripts.benchmarks.reputation.growth import graph_bytes, measure_growth
from scripts.benchmarks.reputation.peers import measure_peers
from scripts.benchmarks.reputation.power_law import power_law
from scripts.benchmarks.reputation.public import measure_public
from scripts.benchmarks.reputation.tree import measure_tree
from scripts.benchmarks.reputation.updates import measure_updates
from scripts.benchmarks.reputation.walks import measure_walks
from scripts.benchmarks.sybil.graphs import bitcoin_otc

ACCOUNTS, EDGES, SEED = 200_000, 1_000_000, 0
STOP = round(0.15 * WHOLE)
"""Damping .85, the usual: trust travels far, so that this is the slow case."""
UPDATES, LIVE_WALKS = 3_000, 100_000
GROWTH = (10**4, 10**5, 10**6, 10**7)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data/trust"),
    show_default=True,
    help="Folder with soc-sign-bitcoinotc.csv.",
)
@click.option("--peers/--no-peers", default=True, show_default=True)
def reputation(as_json: bool, trust: Path, peers: bool) -> None:
    """Walks, public scores, updates, digests and trees on a million edges."""
    graph = power_law(ACCOUNTS, EDGES, SEED)
    otc = bitcoin_otc(trust)
    seeds = [int(s) for s in np.argsort(-np.diff(graph.out.start), kind="stable")[:100]]
    parts: dict[str, Callable[[], Mapping[str, Any]]] = {
        "public": lambda: measure_public(graph, seeds, STOP),
        "walks": lambda: measure_walks(graph),
        "updates": lambda: measure_updates(graph, LIVE_WALKS, UPDATES),
        "updates_otc": lambda: measure_updates(otc, LIVE_WALKS, UPDATES, egos=500),
        "tree": lambda: measure_tree(10**6),
        "growth": lambda: {"rows": measure_growth(GROWTH, SEED, 2)},
        "cluster": lambda: measure_cluster(graph),
        "public_otc": lambda: measure_public(otc, _busiest(otc), STOP),
    }
    if peers:
        parts["peers"] = lambda: measure_peers(graph, seeds, 1 - STOP / WHOLE)
        parts["peers_otc"] = lambda: measure_peers(otc, _busiest(otc), 1 - STOP / WHOLE)
    found: dict[str, Any] = {}
    with progress() as bar:
        task = bar.add_task("Parts", total=len(parts))
        for name, measure in parts.items():
            bar.update(task, description=name)
            found[name] = measure()
            bar.advance(task)
    result = _headline(found) | {
        "memory_bytes_per_edge": round(graph_bytes(graph) / EDGES, 1),
        "parts": found,
        "graph": {"accounts": ACCOUNTS, "edges": EDGES, "seed": SEED},
        "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "numba", "scipy", "igraph", "networkx")},
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def _busiest(graph: Graph) -> list[int]:
    return [int(s) for s in np.argsort(-np.diff(graph.out.start), kind="stable")[:100]]


def _headline(found: Mapping[str, Any]) -> dict[str, Any]:
    public, walks, updates = found["public"], found["walks"], found["updates"]
    return {
        "walks_per_s_core": round(walks["walks_per_s_core"]),
        "public_1_seed_s": public["public_1_seed_s"],
        "public_100_seeds_s": public["public_100_seeds_s"],
        "update_p50_us": updates["update_p50_us"],
        "update_p99_us": updates["update_p99_us"],
        "bit_equal": updates["bit_equal"] and found["updates_otc"]["bit_equal"],
        "digests": found["cluster"]["digests"],
        "digests_equal": found["cluster"]["digests_equal"],
        "tree_1m_s": found["tree"]["build_s"],
    }


def show(result: Mapping[str, Any]) -> None:
    """The same as tables."""
    plain = (int, float, bool, str)
    print_table(
        ["what", "figure"],
        [[name, str(value)] for name, value in result.items() if isinstance(value, plain)],
        title="Reputation of a million edges",
    )
    ours = result["parts"]["public"]
    rows = [["chainrep", ours["public_1_seed_s"], ours["public_100_seeds_s"]]]
    rows += [
        [name, row["public_1_seed_s"], row["public_100_seeds_s"]]
        for name, row in result["parts"].get("peers", {}).items()
    ]
    print_table(["PageRank from seeds", "one seed, s", "a hundred, s"], rows)
    growth = result["parts"]["growth"]["rows"]
    print_table(list(growth[0]), [list(row.values()) for row in growth], title="Growth")


if __name__ == "__main__":
    reputation()
