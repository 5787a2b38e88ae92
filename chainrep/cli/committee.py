"""``chainrep committee``: who signs for the ledger, and being one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from chainrep.cli.address import read_address
from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import ConfigError

if TYPE_CHECKING:
    from chainrep.node.member import Member
    from chainrep.node.settling_member import SettlingMember
    from chainrep.service.server import HttpServer
    from chainrep.session import Session


@click.group(short_help="Show the committee, or sign as one of it.")
def committee() -> None:
    """Show who signs for the ledger, or sign for it as one member of the committee."""


@committee.command()
@settings
@json_option
def show(config: Config, as_json: bool) -> None:
    """The committee as the ledger has it: version, threshold, members, next nonce."""
    from chainrep.session import open_session

    session = open_session(config)
    found = session.ledger.committee()
    if as_json:
        print_json(
            {
                "chain_id": session.client.chain_id,
                "ledger": session.deployment.score_ledger,
                "version": found.version,
                "threshold": found.threshold,
                "members": list(found.members),
                "next_nonce": found.next_nonce,
            }
        )
        return
    title = (
        f"Committee {found.version}: {found.threshold} of {len(found.members)} must sign;"
        f" the next batch has nonce {found.next_nonce}"
    )
    print_table(["bit", "member"], list(enumerate(found.members)), title=title)


@committee.command()
@settings
@signing
@click.option("--port", default=8560, show_default=True, help="Port to answer on; 0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--coordinator", "coordinators", multiple=True, required=True, metavar="ADDRESS",
    help="A relayer that may ask for signatures; repeat.",
)  # fmt: skip
@click.option(
    "--published-account", type=click.IntRange(0, 9), default=1, show_default=True, metavar="N",
    help="Without --key, on a local chain: sign as its N-th published account.",
)  # fmt: skip
@click.option(
    "--confirmations", type=click.IntRange(1, 10_000), default=12, show_default=True, metavar="N",
    help="How deep a block is that is taken to stay, its own included.",
)  # fmt: skip
@click.option(
    "--max-units", type=click.FloatRange(0.01, 655.35), default=1.0, show_default=True,
    help="The most evidence that one judgement may weigh.",
)  # fmt: skip
def serve(
    config: Config,
    read_passphrase: Callable[[str], str],
    port: int,
    host: str,
    coordinators: Sequence[str],
    published_account: int,
    confirmations: int,
    max_units: float,
) -> None:
    """Sign as one member of the committee, for coordinators that ask over HTTP, until Ctrl-C.

    A report is signed only where this machine's own chain and the evidence sent along bear it
    out. Every signature is remembered in the home folder before it leaves: never run one key
    from two home folders. A challenged epoch's root is signed if the index of a `chainrep node run`
    in the same home folder gives the same one. To be reached from other machines, put a proxy with
    TLS in front.
    """
    import logging

    from chainrep.node.member import Member, SigningPolicy
    from chainrep.protocol.types import EVIDENCE_UNIT
    from chainrep.service.member import MEMBER_LIMITS, member_app
    from chainrep.service.server import HttpServer
    from chainrep.session import open_session, sender_key
    from chainrep.store.signings import Signings

    admitted = [read_address("--coordinator", text) for text in coordinators]
    session = open_session(config)
    key = sender_key(config, session.client, read_passphrase, published_account)
    address = _address_of(key)
    path = config.home / "members" / f"{address}.sqlite"
    policy = SigningPolicy(
        confirmations=confirmations, max_evidence=round(max_units * EVIDENCE_UNIT)
    )
    member = Member(
        session.registry,
        session.ledger,
        Signings(path, session.deployment.ledger_id),
        key,
        admitted,
        policy,
    )
    settling = _settling(session, key, confirmations)
    if address not in session.ledger.committee().members:
        click.echo(f"{address} is not in the committee now: it will refuse everything.", err=True)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("chainrep").setLevel(logging.INFO)
    _serve(HttpServer(member_app(member, settling), port, host, MEMBER_LIMITS), member)


def _settling(session: Session, key: bytes, confirmations: int) -> SettlingMember | None:
    """The member as one that settles; None, and a word, where the deployment has no formula."""
    from chainrep.node.settling_member import SettlingMember
    from chainrep.store.db import open_store

    roots = session.roots()
    try:
        session.formula(roots)
    except ConfigError as error:
        click.echo(f"Challenged epochs are not settled here: {error}", err=True)
        return None
    return SettlingMember(
        roots,
        lambda: session.epoch_reader(open_store(session.config.store), roots, confirmations),
        key,
    )


def _serve(server: HttpServer, member: Member) -> None:
    import signal
    from threading import Event

    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with server:
        click.echo(f"Member {member.address} answers at {server.url}; Ctrl-C stops it.")
        while not stopping.wait(0.5):
            if not server.alive:
                raise ConfigError("The server broke down.", "Start it again.")
    click.echo("Stopped.")


def _address_of(private_key: bytes) -> str:
    from eth_account import Account

    return str(Account.from_key(private_key).address)
