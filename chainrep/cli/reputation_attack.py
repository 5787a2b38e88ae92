"""``chainrep reputation attack``: what Sybils would gain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrep.cli.options import json_option
from chainrep.cli.output import print_json, progress
from chainrep.cli.reputation_snapshot import (
    Request,
    Snapshot,
    percent,
    snapshot_options,
    take_snapshot,
)
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.reputation.attack_outcome import AttackOutcome
    from chainrep.reputation.attacks import Attacked, Plan

ATTACKS = (
    *("parallel", "serial", "cycle", "mesh", "ladder", "funnel", "widen"),
    *("camouflage", "slander", "whitewash", "bought-edges"),
)
_MOST = 100_000


@click.command(short_help="What an attack by Sybils would gain.")
@click.argument("name", type=click.Choice(ATTACKS), metavar="NAME")
@snapshot_options
@click.option(
    "--attackers", default=50, show_default=True, type=click.IntRange(1, _MOST), metavar="N",
    help="Accounts with a score that attack, drawn at random.",
)  # fmt: skip
@click.option(
    "--sybils", default=100, show_default=True, type=click.IntRange(1, _MOST), metavar="N",
    help="Accounts that each of them makes up.",
)  # fmt: skip
@click.option(
    "--entries", default=1, show_default=True, type=click.IntRange(1, 1_000), metavar="N",
    help="Attackers that work together; with bought-edges: honest accounts that sell.",
)  # fmt: skip
@click.option(
    "--victims", default=10, show_default=True, type=click.IntRange(1, _MOST), metavar="N",
    help="With slander: how many of the best accounts are warned of.",
)  # fmt: skip
@click.option("--draw", default=1, show_default=True, help="Seed of what is left to chance.")
@click.option("--plot", type=click.Path(path_type=Path), help="Picture of the attack.")
@json_option
def attack(
    request: Request,
    name: str,
    attackers: int,
    sybils: int,
    entries: int,
    victims: int,
    draw: int,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Attack the graph on paper, and say what it would gain. Nothing is written anywhere.

    NAME is one of parallel, serial, cycle, mesh, ladder, funnel, camouflage, slander, whitewash
    and bought-edges. Gains are over what the attackers have while they trust nobody: 1 is no gain.
    """
    from chainrep.reputation.attacks import ATTACKS as KNOWN

    if plot is not None:
        from chainrep.reputation.plot import check_plot

        check_plot(plot)
    taken = take_snapshot(request)
    plan = _plan(taken, attackers, sybils, entries, victims, draw)
    with progress() as bar:
        bar.add_task(f"Attacking: {name}", total=None)
        attacked = KNOWN[name](taken.reputation.graph, plan)
        outcome = _outcome(taken, attacked, plan, plot, f"{name} attack on {taken.title}")
    lost = outcome.victims_lost if name == "slander" else None
    if as_json:
        counts = {"attackers": len(attacked.attackers), "sybils": len(attacked.sybils)}
        print_json({"attack": name} | counts | asdict(outcome) | {"victims_lost": lost})
        return
    own, total = outcome.own_gain, outcome.total_gain
    click.echo(f"{len(attacked.attackers):,} attackers with {len(attacked.sybils):,} Sybils.")
    click.echo(f"Before: {percent(outcome.had)} % of all trust.")
    click.echo(f"After:  {percent(outcome.have)} %, and Sybils {percent(outcome.sybils_have)} %.")
    click.echo(f"Gain of the best attacker on its own account: {_times(own)}.")
    click.echo(f"Gain of all, Sybils included: {_times(total)}.")
    click.echo(f"Sybils among the 100 best: {outcome.sybils_in_top}.")
    if lost is not None:
        click.echo(f"Victims lost {lost:.2%} of their scores.")


def _plan(
    taken: Snapshot, attackers: int, sybils: int, entries: int, victims: int, draw: int
) -> Plan:
    import numpy as np

    from chainrep.reputation.attack_outcome import best_accounts
    from chainrep.reputation.attacks import Plan
    from chainrep.reputation.public_score import find_accounts

    found = taken.reputation
    seeds = find_accounts(found.graph, found.formula.seeds)
    rng = np.random.default_rng(draw)
    able = np.setdiff1d(np.flatnonzero(found.scores), seeds)
    if not able.size:
        raise InputError(
            "No account but the seeds has a score, so nobody can attack.",
            "Choose seeds that trust somebody.",
        )
    drawn = sorted(int(v) for v in rng.choice(able, min(attackers, len(able)), replace=False))
    hit = best_accounts(found.scores, victims, [*seeds, *drawn])
    return Plan(drawn, sybils, rng, entries, hit)


def _outcome(
    taken: Snapshot, attacked: Attacked, plan: Plan, plot: Path | None, title: str
) -> AttackOutcome:
    import os

    from chainrep.reputation.attack_outcome import attack_outcome
    from chainrep.reputation.attacks import without_trust_of
    from chainrep.reputation.public_score import find_accounts, score_accounts

    found, threads = taken.reputation, os.cpu_count() or 1
    graph, formula = found.graph, found.formula
    quiet = score_accounts(without_trust_of(graph, plan.attackers), formula, threads)
    after = score_accounts(attacked.graph, formula, threads)
    seeds = find_accounts(graph, formula.seeds)
    if plot is not None:
        from chainrep.reputation.explain import found_accounts
        from chainrep.reputation.plot import Mark, Scene, draw_attack

        marks = dict.fromkeys(attacked.sybils, Mark.SYBIL)
        marks |= dict.fromkeys(attacked.attackers, Mark.ATTACKER) | dict.fromkeys(seeds, Mark.SEED)
        scene = Scene(attacked.graph, after.scores, marks, found_accounts(after))
        draw_attack(scene, quiet.scores, title, plot)
    return attack_outcome(quiet.scores, after.scores, attacked, seeds, plan.victims)


def _times(gain: float | None) -> str:
    return "none to compare with" if gain is None else f"{gain:.4f} times"
