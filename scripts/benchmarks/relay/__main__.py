"""How fast feedback gets from the outbox onto the ledger, into the index and to a reader."""

from __future__ import annotations

import json
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import click

from chainrep.cli.output import print_table, progress
from chainrep.errors import ChainrepError
from scripts.benchmarks.gas.chain import fresh_chain
from scripts.benchmarks.relay.budget import budget_figures
from scripts.benchmarks.relay.kills import kill_figures
from scripts.benchmarks.relay.outbox import outbox_figures
from scripts.benchmarks.relay.road import road_figures


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--sources", default=600, show_default=True, help="Sources in every batch.")
@click.option("--feedback", default=60_000, show_default=True, help="Judgements to carry.")
@click.option("--kills", default=200, show_default=True, help="Times to kill the relayer.")
@click.option("--budget/--no-budget", default=True, help="Pace a budget, too: some minutes.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="On the disk to measure [the system's folder for temporary files].",
)
def relay(
    as_json: bool, sources: int, feedback: int, kills: int, budget: bool, folder: Path | None
) -> None:
    """Outbox against fsync, the whole road, the index, the score view, kills, the budget."""
    try:
        with (
            tempfile.TemporaryDirectory(dir=folder) as home,
            fresh_chain() as (client, chain),
            progress() as bar,
        ):
            task = bar.add_task("Steps", total=None)
            found = outbox_figures(Path(home), singles=3_000, many=60_000)
            found |= road_figures(
                client, Path(home) / "home", sources, feedback, lambda: bar.advance(task)
            )
            killed = kill_figures(Path(home) / "killed", kills, lambda: bar.advance(task))
            found["lost"] += killed.pop("killed_lost", 0)
            found["duplicated"] += killed.pop("killed_duplicated", 0)
            found |= killed
            if budget:
                found |= budget_figures(tick=lambda: bar.advance(task))
    except ChainrepError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    found |= {
        "sources": sources,
        "feedback": feedback,
        "confirmations": 1,
        "chain": chain,
        "machine": platform.platform(),
        "versions": {"python": platform.python_version(), "web3": version("web3")},
    }
    if as_json:
        click.echo(json.dumps(found))
        return
    figures = [[name, str(value)] for name, value in found.items() if name != "versions"]
    print_table(["what", "figure"], figures)


if __name__ == "__main__":
    relay()
