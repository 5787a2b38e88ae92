"""Whom to believe when sources lie: our scoring and what went before, in the same worlds.

Settings were chosen on one half of tier B (``--tune`` shows how), the alarm's threshold and the
spending of gold also on tier A with other seeds; reported are B's other half, A with these seeds,
and C, where nothing was chosen. Every answer is given before its gold is seen.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from chainrep.cli.output import print_table, progress
from rag.scoring.ledger_settings import LedgerSettings
from scripts.benchmarks.rag.goals import check_goals
from scripts.benchmarks.rag.kept import Kept
from scripts.benchmarks.rag.overhead import overhead
from scripts.benchmarks.rag.poisoned import SCENARIO, Poisoned
from scripts.benchmarks.rag.rounds import Tier
from scripts.benchmarks.rag.scenarios import SCENARIOS
from scripts.benchmarks.rag.suite import measure
from scripts.benchmarks.rag.tier_a import RamDocs
from scripts.benchmarks.rag.tier_b import RecordedModels
from scripts.benchmarks.rag.tier_c import LiveSources, live_sources
from scripts.benchmarks.rag.tune import tune

TIERS: dict[str, Callable[[Path], Tier]] = {"A": RamDocs, "B": RecordedModels, "C": live_sources}
SLOW = {"C"}
"""Tiers whose worlds take minutes: ``ours_5`` has no more runs there than the others."""
GAS = Path("contracts/gas.json")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--tiers", default=",".join(TIERS), show_default=True, help="Letters, by commas.")
@click.option("--scenarios", default=",".join(SCENARIOS), show_default=True, help="By commas.")
@click.option("--seeds", default=5, show_default=True, help="Runs of every method.")
@click.option("--ranked", default=20, show_default=True, help="Runs of ours_5 for its inversions.")
@click.option("--poisoning/--no-poisoning", default=True, help="PoisonedRAG, with tier C.")
@click.option("--tune", "tuning", is_flag=True, help="Try other settings on the tuning half only.")
@click.option("--timed", default=100, show_default=True, help="Answers timed, with tier C.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for what tier C's services said: a run that goes on asks only for the rest.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder with qa/ and cram/.",
)
def rag(
    as_json: bool,
    tiers: str,
    scenarios: str,
    seeds: int,
    ranked: int,
    poisoning: bool,
    tuning: bool,
    timed: int,
    keep: Path | None,
    data: Path,
) -> None:
    """Measure accuracy, the order of the sources and what both cost, under eight pollutions."""
    settings = LedgerSettings()
    if tuning:
        for label, row in tune(RecordedModels(data), seeds, settings):
            click.echo(json.dumps({label: {k: round(v, 4) for k, v in row.items()}}))
        return
    letters, worlds = _named("tiers", tiers, TIERS), _named("scenarios", scenarios, SCENARIOS)
    gas = json.loads(GAS.read_text())
    times = overhead(data, timed) if timed and "C" in letters else {}
    found: dict[str, dict[str, Any]] = {letter: {} for letter in letters}
    with progress() as bar:
        task = bar.add_task("Scenarios", total=len(letters) * len(worlds))
        for letter in letters:
            tier = TIERS[letter](data)
            runs = seeds if letter in SLOW else ranked
            asked = Kept(tier, keep) if keep and letter in SLOW else tier
            for name in worlds:
                found[letter][name] = measure(asked, SCENARIOS[name], seeds, runs, settings, gas)
                bar.advance(task)
            if isinstance(tier, LiveSources) and poisoning:
                for setting in ("xquad", "nq"):
                    attacked: Tier = Poisoned(tier, data, setting)
                    attacked = Kept(attacked, keep / setting) if keep else attacked
                    found[letter][f"poisoned_{setting}"] = measure(
                        attacked, SCENARIO, seeds, seeds, settings, gas
                    )
    result: dict[str, Any] = {
        "tiers": found,
        "goals": check_goals(found),
        "overhead_p50_ms": max((t["overhead_p50_ms"] for t in times.values()), default=None),
        "times": times,
        "settings": asdict(settings),
        "seeds": seeds,
        "runs_of_ours_5": max(seeds, ranked),
        "scenarios": {n: asdict(SCENARIOS[n]) | {"colluders": sorted(SCENARIOS[n].colluders)}
                      for n in worlds},
        "machine": platform.platform(),
        "versions": {"numpy": version("numpy"), "python": platform.python_version()},
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(found)
        click.echo(json.dumps({"times": times}))
        for goal in result["goals"]:
            click.echo(json.dumps(goal))


def _named(option: str, given: str, known: Mapping[str, Any]) -> list[str]:
    names = [name.strip() for name in given.split(",")]
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(known)}", param_hint=option)
    return names


def show(found: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]) -> None:
    """The same as tables, one per tier."""
    for letter, scenarios in found.items():
        print_table(
            [
                "scenario", "method", "accuracy", "95 %", "F1", "to oracle", "over majority",
                "attacked", "rho", "least", "inversions", "queries to separate", "gold",
            ],
            [
                [
                    name,
                    method,
                    row["accuracy"],
                    "{} to {}".format(*row["accuracy_interval"]),
                    row["f1"],
                    row["to_oracle"],
                    row["over_majority"],
                    row["attack_success"],
                    row.get("rho"),
                    row.get("rho_min"),
                    f"{row['inversions']} of {row['runs']}" if "runs" in row else None,
                    row.get("queries_to_separate"),
                    row["gold_share"],
                ]
                for name, methods in scenarios.items()
                for method, row in methods.items()
            ],
            title=f"Tier {letter}",
        )  # fmt: skip


if __name__ == "__main__":
    rag()
