"""``chainrep source``: who the sources are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chainrep.cli.lazy_group import LazyGroup
from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.session import Session

account_option = click.option(
    "--account",
    type=click.IntRange(0, 9),
    metavar="N",
    help="On a local chain: the published account that owns it, 0 to 9 [4].",
)


@click.group(cls=LazyGroup, plugins="chainrep.commands.source")
def source() -> None:
    """Register, look up and serve sources."""


@source.command()
@click.argument("uri")
@settings
@signing
@account_option
@json_option
def register(
    config: Config,
    read_passphrase: Callable[[str], str],
    uri: str,
    account: int | None,
    as_json: bool,
) -> None:
    """Register URI as a new source and print its id."""
    from chainrep.session import open_session

    session = open_session(config)
    private_key = owner_key(session, account, read_passphrase)
    new_id, receipt = session.registry.register(uri, private_key)
    if as_json:
        owner = session.registry.source(new_id).owner
        print_json({"id": new_id, "owner": owner, "gas": receipt.gas_used})
    else:
        click.echo(f"Registered {uri} as source {new_id} ({receipt.gas_used:,} gas).")


@source.command()
@click.argument("source_id", type=int, metavar="ID")
@settings
@signing
@account_option
@click.option("--yes", is_flag=True, help="Do not ask: there is no way back.")
@json_option
def retire(
    config: Config,
    read_passphrase: Callable[[str], str],
    source_id: int,
    account: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Retire a source for good; its score stays readable."""
    from chainrep.session import open_session

    check_id(source_id)
    session = open_session(config)
    found = session.registry.source(source_id)
    if not yes:
        click.confirm(f"Retire source {source_id} ({found.uri}) for good?", abort=True, err=True)
    private_key = owner_key(session, account, read_passphrase)
    receipt = session.registry.retire(source_id, private_key)
    if as_json:
        print_json({"id": source_id, "retired": True, "gas": receipt.gas_used})
    else:
        click.echo(f"Source {source_id} is retired ({receipt.gas_used:,} gas).")


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
        print_table(
            ["id", "URI", "owner", "state"],
            [[s.id, s.uri, s.owner, "retired" if s.retired else "active"] for s in found],
        )
    else:
        click.echo("No source is registered yet: `chainrep source register URI`.")


@source.command()
@click.argument("source_id", type=int, metavar="ID")
@settings
@json_option
def show(config: Config, source_id: int, as_json: bool) -> None:
    """Show one source and its score."""
    from datetime import UTC, datetime

    from chainrep.protocol.types import EVIDENCE_UNIT
    from chainrep.session import open_session

    check_id(source_id)
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
            ["state", "retired" if found.retired else "active"],
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


def check_id(source_id: int) -> None:
    """Raise InputError unless a source can have this id."""
    from chainrep.protocol.types import MAX_SOURCE

    if not 0 < source_id <= MAX_SOURCE:
        raise InputError(f"Source id {source_id} is outside 1..{MAX_SOURCE}.")


def owner_key(
    session: Session, account: int | None, read_passphrase: Callable[[str], str]
) -> bytes:
    """The private key that --key, --account or neither stands for; errors as of `sender_key`."""
    from chainrep.session import FIRST_SOURCE_OWNER, sender_key, signing_accounts

    if account is None:
        return sender_key(session.config, session.client, read_passphrase, FIRST_SOURCE_OWNER)
    if session.config.key:
        raise InputError("Both --account and --key (or CHAINREP_KEY) say who signs.", "Give one.")
    return signing_accounts(session.client)[account].private_key
