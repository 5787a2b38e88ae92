"""What a day costs and which part breaks first, from measured figures: prints docs/scale.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from chainrep.cli.output import progress
from chainrep.errors import ChainrepError, InputError
from scripts.benchmarks.gas.chain import ROOT, fresh_chain
from scripts.benchmarks.scale.assumptions import Assumptions
from scripts.benchmarks.scale.document import document, measured_on
from scripts.benchmarks.scale.figures import Figures, figures_from, parse_figures
from scripts.benchmarks.scale.kept import archive_gas, evidence, transactions
from scripts.benchmarks.scale.outlook import Outlook, cells
from scripts.benchmarks.scale.road import relayer

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def measure(gas: Path | None, relay: Path | None) -> tuple[Figures, str]:
    """All figures, and where they are from; runs the benchmarks whose output is not given."""
    gas_found, relay_found = _printed("gas", gas), _printed("relay", relay)
    with tempfile.TemporaryDirectory() as folder, fresh_chain() as (client, chain), progress() as p:
        task = p.add_task("Steps", total=None)
        home = Path(folder)
        parts = evidence(home) | transactions()
        parts |= archive_gas(client, lambda: p.advance(task))
        parts |= relayer(client, home / "road", lambda: p.advance(task))
    where = (
        f"{platform.platform()} with {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {chain}, load {os.getloadavg()[1]:.1f}; {relay_found.get('feedback')} judgements in the"
        " relay benchmark."
    )
    return figures_from(gas_found, relay_found, parts), where


def _printed(name: str, given: Path | None) -> Mapping[str, Any]:
    """The object that a benchmark prints last."""
    if given is not None:
        text = given.read_text()
    else:
        run = [sys.executable, "-m", f"scripts.benchmarks.{name}", "--json"]
        done = subprocess.run(run, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 (our own)
        if done.returncode:
            raise ChainrepError(f"The benchmark {name} failed.", "What it said stands above.")
        text = done.stdout
    try:
        found = json.loads(text.strip().splitlines()[-1])
    except (IndexError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(
            f"This is not what the benchmark {name} prints: {given}.",
            f"Make it with `scripts/bench {name} --json`.",
        )
    return found


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--figures", "printed", type=_FILE, help="A printed document: measure nothing.")
@click.option("--gas", type=_FILE, help="What `scripts/bench gas --json` printed.")
@click.option("--relay", type=_FILE, help="What `scripts/bench relay --json` printed.")
def scale(
    as_json: bool, printed: Path | None, gas: Path | None, relay: Path | None, **set_here: float
) -> None:
    """Print docs/scale.md; options set what is assumed of chains and use."""
    try:
        if printed:
            text = printed.read_text()
            figures, where = parse_figures(text), measured_on(text)
        else:
            figures, where = measure(gas, relay)
        assumed = Assumptions(**set_here)  # type: ignore[arg-type]
        if as_json:
            found = {"figures": asdict(figures), "measured_on": where, "assumed": asdict(assumed)}
            click.echo(json.dumps(found | {"cells": cells(Outlook(figures, assumed))}))
        else:
            click.echo(document(figures, where, assumed), nl=False)
    except ChainrepError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None


for field in fields(Assumptions):
    option = "--" + field.name.replace("_", "-")
    scale.params.append(
        click.Option([option], type=type(field.default), default=field.default, show_default=True)
    )


if __name__ == "__main__":
    scale()
