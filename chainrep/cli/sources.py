"""``chainrep sources top``: whom to believe."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table, progress
from chainrep.config import Config

if TYPE_CHECKING:
    from chainrep.chain.address_book import Deployment

_DAY = 86_400


@click.group(short_help="Compare sources by their record.")
def sources() -> None:
    """Compare sources by what the chain says of them."""


@sources.command()
@settings
@click.option("--min-evidence", default=0.0, show_default=True, help="Leave out less than this.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@click.option(
    "--half-life",
    type=click.FloatRange(0, 36_500, min_open=True),
    metavar="DAYS",
    help="Let evidence of this age count half [all counts in full].",
)
@json_option
def top(
    config: Config, min_evidence: float, limit: int, half_life: float | None, as_json: bool
) -> None:
    """The most reliable sources that are not retired, best first.

    Reliability is the share of judged answers that were right, drawn towards one half while
    there is little evidence: (supported + 1) / (supported + contradicted + 2). It is at least the
    lower bound with 95 % probability. What is new on the chain is read first; while no chain
    answers, the local index tells how things stood at its last block.
    """
    from chainrep.store.score_view import ScoreView

    deployment, behind = _indexed(config)
    seconds = None if half_life is None else half_life * _DAY
    view = ScoreView(config.store, deployment.ledger_id, seconds, time.time)
    block, as_of = view.block, view.as_of
    uris = {found.id: found.uri for found in view.sources() if not found.retired}
    standings = view.standings()
    known = [standings[i] for i in uris if standings[i].evidence >= min_evidence]
    best = sorted(known, key=lambda s: (-s.reliability, -s.evidence, s.source))[:limit]
    if behind:
        when = datetime.fromtimestamp(as_of, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        click.echo(f"{behind} This is the local index as of block {block}, {when}.", err=True)
    if as_json:
        print_json(
            [
                asdict(standing.score)
                | {
                    "uri": uris[standing.source],
                    "reliability": standing.reliability,
                    "lower_bound": standing.lower_bound,
                    "evidence": standing.evidence,
                    "block": block,
                    "as_of": as_of,
                }
                for standing in best
            ]
        )
    elif best:
        print_table(
            ["id", "reliability", "lower bound", "evidence", "usefulness", "URI"],
            [
                [s.source, s.reliability, s.lower_bound, s.evidence, s.usefulness, uris[s.source]]
                for s in best
            ],
        )
    else:
        click.echo("No source has that much evidence yet.")


def _indexed(config: Config) -> tuple[Deployment, str]:
    """The deployment whose index is up to date, or what is known while no chain answers, and why.

    Raises ChainUnreachable where nothing is known either.
    """
    from chainrep.chain.address_book import only_deployment
    from chainrep.errors import ChainUnreachable, NotDeployed
    from chainrep.node.indexer import Indexer, IndexProgress
    from chainrep.session import open_session
    from chainrep.store.db import open_store

    try:
        session = open_session(config)
        with closing(open_store(config.store)) as db, progress() as bar:
            indexer = Indexer(session.client, session.deployment, db)
            task = bar.add_task("Reading blocks", total=None)

            def show(step: IndexProgress) -> None:
                bar.update(task, total=step.target, completed=step.block)

            indexer.catch_up(show)
        return session.deployment, ""
    except ChainUnreachable as error:
        if not config.store.exists():
            raise
        try:
            return only_deployment(config.deployments, config.chain_id), error.summary
        except NotDeployed:
            raise error from None
