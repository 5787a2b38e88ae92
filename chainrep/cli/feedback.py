"""``chainrep feedback``: judgements into the outbox, and from there onto the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chainrep.cli.amount import GWEI, read_amount
from chainrep.cli.audit import audit
from chainrep.cli.members import member_option, read_members
from chainrep.cli.options import (
    confirmations_option,
    json_option,
    max_fee_option,
    settings,
    signing,
)
from chainrep.cli.output import print_json, print_table, progress
from chainrep.config import Config
from chainrep.errors import ChainUnreachable, InputError, UnknownSource

if TYPE_CHECKING:
    from chainrep.node.relayer import RelayProgress


@click.group(short_help="Record judgements and send them in batches.")
def feedback() -> None:
    """Record judgements of sources and send them to the ledger in batches."""


@feedback.command()
@settings
@click.option("--source", "source_id", type=int, required=True, metavar="ID", help="Who answered.")
@click.option("--supported", default=0.0, help="Units of evidence that the answer was right.")
@click.option("--contradicted", default=0.0, help="Units of evidence that it was wrong.")
@click.option("--used", default=0.0, help="Units: the answer was used.")
@click.option("--asked", default=1.0, show_default=True, help="Units: the source was asked.")
@click.option("--query", default="", help="The question; only a salted digest leaves this machine.")
@click.option("--kind", type=click.Choice(["gold", "user", "peer"]), default="user")
@click.option("--key", help="Idempotency key: the same key is never counted twice.")
@json_option
def add(
    config: Config,
    source_id: int,
    supported: float,
    contradicted: float,
    used: float,
    asked: float,
    query: str,
    kind: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Keep one judgement in the outbox. Nothing is sent before `feedback flush`."""
    import secrets
    import time

    from chainrep.chain.address_book import only_deployment
    from chainrep.protocol.evidence import query_digest
    from chainrep.protocol.types import Feedback, FeedbackKind
    from chainrep.session import open_session
    from chainrep.store.db import open_store
    from chainrep.store.outbox import Outbox

    checked = True
    try:
        session = open_session(config)
        ledger_id = session.deployment.ledger_id
        known = session.registry.count()
        if not 0 < source_id <= known:
            raise UnknownSource(
                f"No source has the id {source_id}.",
                "`chainrep source list` shows the registered ones.",
            )
    except ChainUnreachable:
        ledger_id = only_deployment(config.deployments, config.chain_id).ledger_id
        checked = False
    salt = secrets.token_bytes(32)
    record = Feedback(
        key=key or secrets.token_hex(16),
        source=source_id,
        kind=FeedbackKind[kind.upper()],
        query_digest=query_digest(query, salt),
        supported=_hundredths("--supported", supported),
        contradicted=_hundredths("--contradicted", contradicted),
        used=_hundredths("--used", used),
        asked=_hundredths("--asked", asked),
        time=int(time.time()),
    )
    outbox = Outbox(open_store(config.store), ledger_id)
    new = outbox.put(record, salt)
    pending = outbox.count().pending
    if as_json:
        print_json({"key": record.key, "new": new, "checked": checked, "pending": pending})
        return
    click.echo(f"{'Kept' if new else 'Already there'}: {record.key}. {pending} pending.")
    if not checked:
        click.echo(
            "No chain answered, so the source id was not checked; `feedback flush` will.",
            err=True,
        )


@feedback.command()
@settings
@json_option
def status(config: Config, as_json: bool) -> None:
    """Where the outbox stands: pending, in flight, applied, refused."""
    from chainrep.store.db import open_store
    from chainrep.store.outbox import count_by_ledger

    counts = count_by_ledger(open_store(config.store))
    if as_json:
        print_json([{"ledger": ledger} | asdict(count) for ledger, count in counts.items()])
    elif counts:
        print_table(
            ["ledger", "pending", "in flight", "applied", "refused"],
            [
                [ledger, c.pending, c.in_flight, c.applied, c.refused]
                for ledger, c in counts.items()
            ],
        )
    else:
        click.echo("The outbox is empty: `chainrep feedback add --source ID --supported 1`.")


@feedback.command()
@settings
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@json_option
def retry(config: Config, keys: tuple[str, ...], as_json: bool) -> None:
    """Let feedback that was set aside wait again: these keys, or all of it.

    For what was refused wrongly, by a server that lagged or a member that was misconfigured.
    """
    from chainrep.session import open_session

    count = open_session(config).outbox().retry(keys)
    if as_json:
        print_json({"pending_again": count})
        return
    click.echo(f"{count:,} records wait again; `chainrep feedback flush` sends them.")


@feedback.command()
@settings
@signing
@member_option
@confirmations_option
@max_fee_option
@click.option("--max-updates", type=int, help="Sources per batch [600, or fewer].")
@json_option
def flush(
    config: Config,
    read_passphrase: Callable[[str], str],
    members: tuple[str, ...],
    confirmations: int | None,
    max_fee: str | None,
    max_updates: int | None,
    as_json: bool,
) -> None:
    """Send all pending feedback to the ledger in signed batches, and wait until it is there.

    A run that was stopped is finished by the next one; nothing is counted twice. Without --member,
    the published accounts of a local test chain sign.
    """
    from chainrep.node.flush_policy import FlushPolicy
    from chainrep.session import open_session, sender_key

    asked = read_members(members)
    ceiling = None if max_fee is None else read_amount("--max-fee", max_fee, GWEI)
    session = open_session(config)
    sender = sender_key(config, session.client, read_passphrase)
    outbox = session.outbox()
    applied = []
    with progress() as bar:
        task = bar.add_task("Batches", total=None)
        policy = FlushPolicy(max_fee=ceiling)
        relayer = session.relayer(outbox, sender, asked, confirmations, policy)

        def show(step: RelayProgress) -> None:
            waits = f"waiting for {step.waits_for}" if step.waits_for else "sending"
            bar.update(task, description=f"Batches: {waits}")

        for batch in relayer.flush(max_updates, on_step=show):
            applied.append(batch)
            bar.advance(task)
    refused = outbox.refusals()
    if as_json:
        print_json(
            {
                "batches": [
                    {
                        "nonce": b.nonce,
                        "updates": len(b.updates),
                        "transaction": "0x" + b.receipt.hash.hex() if b.receipt else None,
                        "gas": b.receipt.gas_used if b.receipt else None,
                    }
                    for b in applied
                ],
                "refused": refused,
            }
        )
        return
    for batch in applied:
        gas = (
            f", {batch.receipt.gas_used:,} gas"
            if batch.receipt
            else ", by way of another transaction"
        )
        click.echo(f"Batch {batch.nonce}: {len(batch.updates)} sources updated{gas}.")
    if not applied:
        click.echo("Nothing was pending.")
    for key, reason in refused.items():
        click.echo(f"Refused {key}: {reason}.", err=True)


def _hundredths(option: str, units: float) -> int:
    from chainrep.protocol.types import EVIDENCE_UNIT, MAX_DELTA

    limit = MAX_DELTA / EVIDENCE_UNIT
    if not 0 <= units <= limit:  # also refuses NaN
        raise InputError(f"{option} must lie in 0..{limit} units, not {units}.")
    return round(units * EVIDENCE_UNIT)


feedback.add_command(audit)
