"""``chainrep source``: who the sources are."""

from __future__ import annotations

from dataclasses import asdict

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import InputError


@click.group()
def source() -> None:
    """Register and look up sources."""


@source.command()
@click.argument("uri")
@settings
@click.option(
    "--account", default=4, show_default=True, help="Which published account shall own it (0-9)."
)
@json_option
def register(config: Config, uri: str, account: int, as_json: bool) -> None:
    """Register URI as a new source and print its id."""
    from chainrep.session import open_session, signing_accounts

    session = open_session(config)
    accounts = signing_accounts(session.client)
    if not 0 <= account < len(accounts):
        raise InputError(f"Account {account} is outside 0..{len(accounts) - 1}.")
    new_id, receipt = session.registry.register(uri, accounts[account].private_key)
    if as_json:
        print_json({"id": new_id, "owner": accounts[account].address, "gas": receipt.gas_used})
    else:
        click.echo(f"Registered {uri} as source {new_id} ({receipt.gas_used:,} gas).")


@source.command("list")
@settings
@json_option
def list_sources(config: Config, as_json: bool) -> None:
    """List every registered source."""
    from chainrep.session import open_session

    found = open_session(config).registry.sources()
    if as_json:
        print_json([asdict(item) for item in found])
    elif found:
        print_table(["id", "URI", "owner"], [[s.id, s.uri, s.owner] for s in found])
    else:
        click.echo("No source is registered yet: `chainrep source register URI`.")


@source.command()
@click.argument("source_id", type=int, metavar="ID")
@settings
@json_option
def show(config: Config, source_id: int, as_json: bool) -> None:
    """Show one source and its score."""
    from datetime import UTC, datetime

    from chainrep.protocol.types import EVIDENCE_UNIT, MAX_SOURCE
    from chainrep.session import open_session

    if not 0 < source_id <= MAX_SOURCE:
        raise InputError(f"Source id {source_id} is outside 1..{MAX_SOURCE}.")
    session = open_session(config)
    found = session.registry.source(source_id)
    (score,) = session.ledger.scores([source_id])
    if as_json:
        derived = {"reliability": score.reliability, "evidence": score.evidence}
        print_json(asdict(found) | {"score": asdict(score) | derived})
        return

    def moment(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ") if seconds else "never"

    print_table(
        ["source", str(found.id)],
        [
            ["URI", found.uri],
            ["owner", found.owner],
            ["registered", moment(found.registered_at)],
            ["reliability", f"{score.reliability:.3f}"],
            ["evidence", f"{score.evidence:.2f} units"],
            ["supported", f"{score.supported / EVIDENCE_UNIT:.2f}"],
            ["contradicted", f"{score.contradicted / EVIDENCE_UNIT:.2f}"],
            [
                "used / asked",
                f"{score.used / EVIDENCE_UNIT:.2f} / {score.asked / EVIDENCE_UNIT:.2f}",
            ],
            ["last update", moment(score.updated_at)],
        ],
    )
