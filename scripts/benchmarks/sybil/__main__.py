"""How much attackers gain, and what it costs the honest: ours and what went before.

Every system sees the same attacked graphs. Attackers are drawn anew for each seed policy and draw;
gains are over what the same accounts have while they trust nobody.
"""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table, progress
from scripts.benchmarks.sybil.collusion import measure_collusion
from scripts.benchmarks.sybil.graphs import GRAPHS, POLICIES, otc_ratings
from scripts.benchmarks.sybil.recommend import measure_recommend
from scripts.benchmarks.sybil.systems import SYSTEMS, pagerank, public
from scripts.benchmarks.sybil.trial import (
    Field,
    attack_gains,
    choose_attackers,
    choose_capped,
    cost_to_honest,
    shares_of_top,
)

OURS = ("public", "personal")
SIZES = (1, 10, 100, 1_000)
LARGE_SIZES = (100, 10_000)
SLOW = ("meritrank_alpha_.875", "meritrank_beta_.875")
"""Left out on the large graphs, where each trial takes minutes."""
SHARES = {
    "sybil_share_top100": "score_of_top100",
    "sybil_share_of_score": "score_of_all",
    "sybil_places_in_top100": "places",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data/trust"),
    show_default=True,
    help="Folder with soc-sign-bitcoinotc.csv and soc-Epinions1.txt.",
)
@click.option("--graph", "graphs", multiple=True, type=click.Choice(list(GRAPHS)))
@click.option("--draws", default=2, show_default=True, help="Draws of seeds and attackers.")
@click.option("--peers/--no-peers", default=True, show_default=True)
def sybil(as_json: bool, trust: Path, graphs: Sequence[str], draws: int, peers: bool) -> None:
    """Attack every system on every graph from every seed policy."""
    systems = list(SYSTEMS) if peers else list(OURS)
    rows: list[dict[str, Any]] = []
    with progress() as bar:
        names = graphs or list(GRAPHS)
        task = bar.add_task("Trials", total=len(names) * len(POLICIES) * draws * len(systems))
        for name in names:
            graph = GRAPHS[name](trust)
            for policy, choose in POLICIES.items():
                for draw in range(draws):
                    seeds = choose(graph, np.random.default_rng(1_000 + draw))
                    known, ours = pagerank(graph, seeds), public(graph, seeds)
                    attackers = choose_attackers(graph, seeds, known.scores, draw)
                    capped = choose_capped(ours.flagged, draw)
                    large = name != "bitcoin_otc"
                    for system in systems:
                        if name != "bitcoin_otc" and system in SLOW:
                            bar.advance(task)
                            continue
                        sizes: Sequence[int] = LARGE_SIZES if large else SIZES
                        if large and system not in OURS:
                            sizes = LARGE_SIZES[:1]
                        field = Field(graph, seeds, attackers, sizes, draw)
                        row = {"graph": name, "policy": policy, "draw": draw, "system": system}
                        row |= _trial(SYSTEMS[system], field, known)
                        weak = replace(field, attackers=capped, sizes=LARGE_SIZES[:1])
                        row["capped"] = list(attack_gains(SYSTEMS[system], weak))
                        rows.append(row)
                        bar.advance(task)
    result = {
        **summary(rows),
        "collusion": measure_collusion(otc_ratings(trust)),
        "recommend": measure_recommend(),
        "trials": rows,
        "machine": platform.platform(),
        "versions": {n: version(n) for n in ("numpy", "numba")}
        | {"python": platform.python_version()},
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def _trial(system: Any, field: Field, known: Any) -> dict[str, Any]:
    ranked = system(field.graph, field.seeds)
    return {
        "attacks": list(attack_gains(system, field)),
        "onslaught": shares_of_top(system, field),
        **cost_to_honest(ranked, known, field.seeds),
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of each system: the worst attack of each trial, then over the trials.

    Medians with the smallest and the largest; ``own_gain`` and ``total_gain`` are the worst found.
    What stands outside ``systems`` is the public score's, but for ``own_gain``, the personal one's:
    there alone it is exactly 1.
    """
    found: dict[str, Any] = {}
    for system in dict.fromkeys(row["system"] for row in rows):
        mine = [row for row in rows if row["system"] == system]
        attacks = [attack for row in mine for attack in row["attacks"]]
        found[system] = {
            # Who widens is trusted by another attacker: that is no gain by one's own edges.
            "own_gain": max(a["own"] for a in attacks if a["attack"] != "widen"),
            "total_gain": {
                "one_entry": max(a["total"] for a in attacks if a["entries"] == 1),
                "ladder": max(a["total"] for a in attacks if a["entries"] > 1),
                "capped_attackers": max(
                    (a["total"] for row in mine for a in row["capped"]), default=None
                ),
            },
            **{
                key: {
                    share: _spread([row["onslaught"][share][kind] for row in mine])
                    for share in ("10", "50")
                }
                for key, kind in SHARES.items()
            },
            **{
                name: _spread([row[name] for row in mine])
                for name in ("honest_flagged", "rbo_at_100", "rbo_at_100_to_pagerank")
            },
        }
    return {**found["public"], "own_gain": found["personal"]["own_gain"], "systems": found}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "low": min(values),
        "high": max(values),
    }


def show(result: Mapping[str, Any]) -> None:
    """The same as a table."""
    print_table(
        [
            "system", "own gain", "total, one entry", "total, ladder", "Sybils in top 100 at 10 %",
            "at 50 %", "honest flagged", "RBO", "RBO to PageRank",
        ],
        [
            [
                name,
                row["own_gain"],
                row["total_gain"]["one_entry"],
                row["total_gain"]["ladder"],
                *(row["sybil_share_top100"][share]["median"] for share in ("10", "50")),
                *(
                    row[key]["median"]
                    for key in ("honest_flagged", "rbo_at_100", "rbo_at_100_to_pagerank")
                ),
            ]
            for name, row in result["systems"].items()
        ],
        title="The worst attack found; medians over graphs, seed policies and draws",
    )  # fmt: skip
    click.echo(json.dumps(result["collusion"], indent=2))


if __name__ == "__main__":
    sybil()
