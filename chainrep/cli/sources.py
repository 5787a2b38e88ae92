"""``chainrep sources top``: whom to believe."""

from __future__ import annotations

from dataclasses import asdict

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config


@click.group(short_help="Compare sources by their record.")
def sources() -> None:
    """Compare sources by what the chain says of them."""


@sources.command()
@settings
@click.option("--min-evidence", default=0.0, show_default=True, help="Leave out less than this.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@json_option
def top(config: Config, min_evidence: float, limit: int, as_json: bool) -> None:
    """The most reliable sources that are not retired, read from the chain, best first.

    Reliability is the share of judged answers that were right, drawn towards one half while
    there is little evidence: (supported + 1) / (supported + contradicted + 2).
    """
    from chainrep.session import open_session

    session = open_session(config)
    uris = {found.id: found.uri for found in session.registry.sources() if not found.retired}
    scores = [s for s in session.ledger.scores(sorted(uris)) if s.evidence >= min_evidence]
    best = sorted(scores, key=lambda s: (-s.reliability, -s.evidence, s.source))[:limit]
    if as_json:
        print_json(
            [
                asdict(score)
                | {
                    "uri": uris[score.source],
                    "reliability": score.reliability,
                    "evidence": score.evidence,
                }
                for score in best
            ]
        )
    elif best:
        print_table(
            ["id", "reliability", "evidence", "usefulness", "URI"],
            [[s.source, s.reliability, s.evidence, s.usefulness, uris[s.source]] for s in best],
        )
    else:
        click.echo("No source has that much evidence yet.")
