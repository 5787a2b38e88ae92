"""How many verifiers a job needs, and how often the verdict is wrong: ours and a fixed majority.

Every rule sees the same votes, each drawn once. Rates, priors and rules come from honeypots of the
same seed that no figure is reported on.
"""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table, progress
from rag.lsh.vote_model import VoteModel
from rag.lsh.votes import decide
from scripts.benchmarks.votes.rules import (
    BUDGET,
    ERROR,
    HONEYPOTS,
    MOST,
    VOTES,
    Plan,
    aware,
    counts,
    honeypots,
    measure,
    measure_reputation,
    plan,
    pooled,
)
from scripts.benchmarks.votes.workload import CHEATS, HONEST, TRUTH, draw_jobs

COLLUSION = (0.1, 0.2)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--jobs", default=200_000, show_default=True, help="Jobs reported on, per seed.")
@click.option("--seeds", default=5, show_default=True, help="Independent repetitions.")
@click.option("--providers", default=1_000, show_default=True, help="Providers with a past.")
def votes(as_json: bool, jobs: int, seeds: int, providers: int) -> None:
    """Measure votes per job and wrong verdicts, also under worlds that were not planned for."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    elsewhere: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    plans: list[Plan] = []
    turncoats: list[dict[str, float]] = []
    worlds = unplanned()
    with progress() as bar:
        task = bar.add_task("Worlds", total=seeds * (len(worlds) + 1))
        for seed in range(seeds):
            draws = np.random.default_rng([seed, 2602]).spawn(4)
            ours = plan(honeypots(draws[0]))
            plans.append(ours)
            found = measure(ours, draw_jobs(TRUTH, jobs, MOST, draws[1]))
            known, turned = measure_reputation(
                ours.model, ours.rules["sequential"], draws[2], jobs, providers
            )
            turncoats.append(turned)
            for name, row in (found | known).items():
                rows[name].append(row)
            bar.advance(task)
            for world, truth in worlds.items():
                drawn = draw_jobs(truth, jobs, MOST, draws[3])
                for name, row in measure(ours, drawn).items():
                    elsewhere[world][name].append(row)
                if truth.collusion:
                    told = replace(ours.model, collusion=truth.collusion)
                    for name, rule in aware(told).items():
                        row = counts(decide(rule, drawn.votes), drawn)
                        elsewhere[world][name].append(row)
                bar.advance(task)
    result = {
        **{name: pooled(found) for name, found in rows.items()},
        "unplanned": {
            world: {name: brief(pooled(found)) for name, found in rules.items()}
            for world, rules in elsewhere.items()
        },
        "trio_capture": {f"{f:g}": 3 * f**2 - 2 * f**3 for f in COLLUSION},
        "turncoat_cheats_accepted": {
            past: max(each[past] for each in turncoats) for past in turncoats[0]
        },
        "planned": [{"lead": list(p.lead), "model": asdict(p.model)} for p in plans],
        "workload": {
            "truth": asdict(TRUTH),
            "jobs_per_seed": jobs,
            "seeds": seeds,
            "honeypots_per_seed": HONEYPOTS,
            "error_planned": ERROR,
            "votes_planned": VOTES,
            "budget_allocated": BUDGET,
            "providers": providers,
            "cheat_rates_of_providers": f"Beta({CHEATS}, {HONEST})",
        },
        "machine": platform.platform(),
        "versions": {"numpy": version("numpy"), "python": platform.python_version()},
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def unplanned() -> dict[str, VoteModel]:
    """Worlds that differ from the honeypots': the rules are not told."""
    worlds = {
        "hard_share_x2": replace(TRUTH, hard_share=TRUTH.hard_share * 2),
        "hard_share_x0.5": replace(TRUTH, hard_share=TRUTH.hard_share / 2),
        "vote_errors_x2": replace(
            TRUTH, vote_error=TRUTH.vote_error * 2, hard_error=TRUTH.hard_error * 2
        ),
        "vote_error_x2": replace(TRUTH, vote_error=TRUTH.vote_error * 2),
        "vote_error_x0.5": replace(TRUTH, vote_error=TRUTH.vote_error / 2),
        "cheat_rate_x2": replace(TRUTH, cheat_rate=TRUTH.cheat_rate * 2),
    }
    return worlds | {f"collusion_{f:g}": replace(TRUTH, collusion=f) for f in COLLUSION}


def brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """What of a rule is worth keeping in a world beside the main one."""
    kept = ("mean_verifiers", "error", "error_interval", "cheats_accepted", "honest_rejected")
    return {key: row[key] for key in kept}


def show(result: Mapping[str, Any]) -> None:
    """The same as tables."""
    main = [name for name, row in result.items() if isinstance(row, dict) and "error" in row]
    worlds = {"planned for": {name: result[name] for name in main}} | result["unplanned"]
    for world, rules in worlds.items():
        print_table(
            ["rule", "verifiers", "error", "95 %", "cheats accepted", "honest rejected"],
            [
                [name, f"{row['mean_verifiers']:.3f}", f"{row['error']:.2e}",
                 "–".join(f"{end:.1e}" for end in row["error_interval"]),
                 f"{row['cheats_accepted']:.3%}", f"{row['honest_rejected']:.3%}"]
                for name, row in rules.items()
            ],
            title=world,
        )  # fmt: skip
    shown = ("turncoat_cheats_accepted", "trio_capture", "planned")
    click.echo(json.dumps({key: result[key] for key in shown}, indent=2))


if __name__ == "__main__":
    votes()
