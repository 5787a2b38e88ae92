"""``chainrep reputation show`` and ``explain``: one account's score, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chainrep.cli.options import json_option
from chainrep.cli.output import print_json, print_table
from chainrep.cli.reputation_snapshot import (
    Request,
    Snapshot,
    percent,
    snapshot_options,
    take_snapshot,
)

if TYPE_CHECKING:
    from chainrep.reputation.explain import Explanation, Voice

_REASONS = ("paths", "complete", "vouchers", "warners")


@click.command(short_help="One account's score and rank.")
@click.argument("account")
@snapshot_options
@json_option
def show(request: Request, account: str, as_json: bool) -> None:
    """Show one account's score and rank."""
    told = _explained(take_snapshot(request), account, 1)
    if as_json:
        print_json({name: value for name, value in asdict(told).items() if name not in _REASONS})
        return
    _tell(told)


@click.command(short_help="Why an account has its score.")
@click.argument("account")
@snapshot_options
@click.option(
    "--count", default=5, show_default=True, type=click.IntRange(1, 100), metavar="N",
    help="How many paths, vouchers and warnings.",
)  # fmt: skip
@json_option
def explain(request: Request, account: str, count: int, as_json: bool) -> None:
    """Name the strongest paths from the seeds to the account, and who vouches or warns most.

    A path's percentage is its part of the trust that reached the account; many weaker paths may
    bring the rest.
    """
    told = _explained(take_snapshot(request), account, count)
    if as_json:
        print_json(asdict(told))
        return
    _tell(told)
    if told.paths:
        print_table(
            ["% of its trust", "strongest paths"],
            [[_part(path.worth, told.flowed), " → ".join(path.accounts)] for path in told.paths],
        )
    _print_voices("vouches", told.vouchers, told.flowed)
    _print_voices("warns", told.warners, told.flowed)
    if not told.complete:
        click.echo("There are more paths than could be searched.", err=True)


def _explained(taken: Snapshot, account: str, count: int) -> Explanation:
    from chainrep.reputation.explain import explain as explain_score

    return explain_score(taken.reputation, taken.name_of(account), count)


def _tell(told: Explanation) -> None:
    place = f"rank {told.rank:,} of {told.ranked:,}" if told.rank else "no rank"
    click.echo(
        f"{told.account}: {percent(told.score)} % of all trust ({told.score:,} / 2^50),"
        f" {place}{', a seed' if told.seed else ''}."
    )
    click.echo(f"Vouched for by {told.voucher_count:,}; trust brought {percent(told.flowed)} %.")
    if told.cut:
        through = ", ".join(told.bottleneck) or "nobody"
        click.echo(f"All of it came through {through}, which cost {percent(told.cut)} %.")
    if told.warned:
        click.echo(f"Warnings took {percent(told.warned)} %.")


def _print_voices(verb: str, voices: Sequence[Voice], flowed: int) -> None:
    if voices:
        print_table(
            ["% of its trust", f"who {verb} most", "weight"],
            [[_part(voice.worth, flowed), voice.account, voice.weight] for voice in voices],
        )


def _part(worth: int, whole: int) -> str:
    return f"{worth * 100 / whole:6.2f}" if whole else "     -"
