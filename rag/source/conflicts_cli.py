"""``chainrep source conflicts``: whom this machine can prove to have signed two answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import home, json_option
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from rag.guard import with_rag

if TYPE_CHECKING:
    from rag.source.conflicts import Kept


@click.command(short_help="Who signed two answers to one query.")
@home
@json_option
@with_rag
def conflicts(config: Config, as_json: bool) -> None:
    """List the proofs that a source signed two answers to one query.

    Who is in it is not asked any more. A proof is a file that needs nobody's word: hand it on, and
    whoever puts it into their own accusations folder checks both signatures and asks that key no
    more either. Deleting the file lets it be asked again.
    """
    from datetime import UTC, datetime

    from rag.source.conflicts import read_kept

    folder = config.home / "accusations"
    rows = [(kept, sources_of(config, kept)) for kept in read_kept(folder)]
    if as_json:
        print_json([_as_json(kept, sources) for kept, sources in rows])
        return
    if not rows:
        click.echo(f"No source is known to have signed two answers to one query ({folder}).")
        return
    print_table(
        ["sources", "chain", "kept", "one digest", "the other"],
        [
            [
                ", ".join(map(str, sources)) or "unknown",
                str(kept.domain.chain_id),
                datetime.fromtimestamp(kept.time, UTC).strftime("%Y-%m-%d %H:%M"),
                "0x" + kept.conflict.first.hex()[:16] + "…",
                "0x" + kept.conflict.second.hex()[:16] + "…",
            ]
            for kept, sources in rows
        ],
    )
    click.echo("To publish a proof, hand on its file, which is named after the account:")
    for kept, _ in rows:
        click.echo(f"  {kept.path}")


def sources_of(config: Config, kept: Kept) -> tuple[int, ...]:
    """The ids that the accused owns on that ledger, as far as the local index knows."""
    from contextlib import closing

    from chainrep.chain.address_book import only_deployment
    from chainrep.errors import ConfigError, NotDeployed, StoreError
    from chainrep.store.score_view import ScoreView

    try:
        deployment = only_deployment(config.deployments, kept.domain.chain_id)
        if deployment.score_ledger != kept.domain.ledger:
            return ()
        with closing(ScoreView(config.store, deployment.ledger_id)) as view:
            found = view.sources()
    except (NotDeployed, StoreError, ConfigError):  # no index here: the proof holds without it
        return ()
    return tuple(source.id for source in found if source.owner == kept.accusation.accused)


def _as_json(kept: Kept, sources: tuple[int, ...]) -> dict[str, Any]:
    return {
        "sources": list(sources),
        "account": kept.accusation.accused,
        "chain_id": kept.domain.chain_id,
        "ledger": kept.domain.ledger,
        "kept": kept.time,
        "slot": "0x" + kept.conflict.slot.hex(),
        "first": "0x" + kept.conflict.first.hex(),
        "second": "0x" + kept.conflict.second.hex(),
        "file": str(kept.path),
    }
