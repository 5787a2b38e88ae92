"""``chainrep feedback audit``: whether batches are what their evidence says; for strangers too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from chainrep.cli.address import read_address
from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table, progress
from chainrep.config import Config
from chainrep.errors import EvidenceUnavailable, InputError, NotDeployed, WrongChain

if TYPE_CHECKING:
    from chainrep.chain.address_book import Deployment
    from chainrep.chain.client import Client
    from chainrep.node.audit import EvidenceSource
    from chainrep.node.audited_batch import AuditedBatch, Finding
    from chainrep.node.ledger_history import LedgerHistory, NonceRange
    from chainrep.node.remote_evidence import RemoteEvidence

_RANGE = re.compile(r"(\d{1,19})(?:-(\d{1,19}))?", re.ASCII)
_SHOWN = 50


@click.command(short_help="Check batches against their evidence.")
@settings
@click.argument("batches", metavar="BATCH|RANGE|all")
@click.option("--evidence", "evidence_url", metavar="URL", help="Where evidence is served [here].")
@click.option(
    "--ledger", metavar="ADDRESS", help="The ledger [the address book's, else the server's word]."
)
@json_option
@click.pass_context
def audit(
    context: click.Context,
    config: Config,
    batches: str,
    evidence_url: str | None,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Check batches against their evidence, e.g. `7`, `3-9` or `all`.

    For every batch the updates and the root are derived again from the evidence, and compared
    with the chain's event; the signatures are those of the committee; and no feedback counts
    twice among the batches that are audited together. The first thing that does not fit is named.
    Needs no home folder: with --rpc and --evidence anyone can do it. Exits 1 unless all fits.
    """
    from chainrep.chain.client import connect
    from chainrep.chain.deployed_code import is_our_code
    from chainrep.node.audit import audit_batches, history_finding, nonces_of
    from chainrep.node.audited_batch import Verdict
    from chainrep.node.ledger_history import read_history

    wanted = _range(batches)
    address = None if ledger is None else read_address("--ledger", ledger)
    with _evidence(config, evidence_url) as (evidence, remote):
        client = connect(config.urls, config.chain_id)
        place, first_block, stated = _place(config, client, address, remote)
        if not is_our_code(client, "ScoreLedger", place):
            raise NotDeployed(
                f"There is no ScoreLedger of this chainrep at {place}.",
                "Check --rpc and --ledger, or use the version that deployed it.",
            )
        if stated and remote is not None:
            click.echo(
                f"Ledger {place}, as {remote.label} says: compare it with the one you trust.",
                err=True,
            )
        with progress() as bar:
            reading = bar.add_task("Reading blocks", total=None)

            def show(block: int, last: int) -> None:
                bar.update(reading, total=last, completed=block)

            history = read_history(client, place, first_block, wanted, show)
            nonces = nonces_of(history, wanted)
            auditing = bar.add_task("Auditing batches", total=len(nonces))
            audited = []
            for batch in audit_batches(client, history, evidence, nonces):
                audited.append(batch)
                bar.advance(auditing)
    broken = history_finding(history)
    if as_json:
        print_json(_summary(client, history, stated, broken, audited))
    else:
        _tell(history, broken, audited)
    if broken or any(batch.verdict is not Verdict.FITS for batch in audited):
        context.exit(1)


@contextmanager
def _evidence(
    config: Config, url: str | None
) -> Iterator[tuple[EvidenceSource, RemoteEvidence | None]]:
    from chainrep.node.remote_evidence import RemoteEvidence
    from chainrep.store.evidence import EvidenceStore

    if url is None:
        yield EvidenceStore(config.evidence), None
        return
    remote = RemoteEvidence(url)
    try:
        yield remote, remote
    finally:
        remote.close()


def _place(
    config: Config, client: Client, ledger: str | None, remote: RemoteEvidence | None
) -> tuple[str, int, bool]:
    """The ledger, the first block worth reading, and whether the address is the server's word."""
    book = _address_book(config, client)
    if book is not None and ledger in {None, book.score_ledger}:
        return book.score_ledger, book.block, False
    if ledger is not None:
        return ledger, _first_block(ledger, remote), False
    if remote is None:
        raise NotDeployed(
            f"No ledger on chain {client.chain_id} is known here.",
            "Name it with --ledger ADDRESS, or give a server of evidence with --evidence URL.",
        )
    told = remote.deployment()
    if (told.chain_id, told.genesis) != (client.chain_id, client.genesis):
        raise WrongChain(
            f"The evidence is of a ledger on chain {told.chain_id}, and the chain at {client.label}"
            f" ({client.chain_id}) is another one.",
            "Give a URL of that chain with --rpc.",
        )
    return told.score_ledger, told.block, True


def _address_book(config: Config, client: Client) -> Deployment | None:
    from chainrep.chain.address_book import load_deployment

    try:
        return load_deployment(config.deployments, client.chain_id, client.genesis)
    except NotDeployed:
        return None


def _first_block(ledger: str, remote: RemoteEvidence | None) -> int:
    """Where a server says that the ledger begins; a wrong answer costs time, and nothing else."""
    try:
        told = remote.deployment() if remote else None
    except EvidenceUnavailable:
        return 0
    return told.block if told and told.score_ledger == ledger else 0


def _tell(history: LedgerHistory, broken: Finding | None, audited: Sequence[AuditedBatch]) -> None:
    from chainrep.node.audited_batch import Verdict

    bad = [batch for batch in audited if batch.verdict is not Verdict.FITS]
    rows = [
        [
            batch.nonce,
            "cancelled" if batch.cancelled else str(batch.verdict),
            len(batch.feedback),
            len(batch.signers),
            str(batch.finding.step) if batch.finding else "",
        ]
        for batch in (audited if len(audited) <= _SHOWN else bad)
    ]
    if rows:
        print_table(
            ["batch", "verdict", "records", "signers", "first finding"],
            rows,
            title=f"Ledger {history.ledger}",
        )
    for batch in bad:
        if batch.finding:
            click.echo(f"Batch {batch.nonce}, {batch.finding.step}: {batch.finding.text}")
    click.echo(
        f"{len(audited) - len(bad)} of {len(audited)} batches fit; events read up to block"
        f" {history.head}."
    )
    if broken is None:
        click.echo("All events together give the history that the ledger states.")
    else:
        click.echo(broken.text)


def _summary(
    client: Client,
    history: LedgerHistory,
    stated: bool,
    broken: Finding | None,
    audited: Sequence[AuditedBatch],
) -> object:
    return {
        "chain_id": client.chain_id,
        "ledger": history.ledger,
        "ledger_named_by_server": stated,
        "block": history.head,
        "history_fits": broken is None,
        "batches": [
            {
                "nonce": batch.nonce,
                "verdict": str(batch.verdict),
                "cancelled": batch.cancelled,
                "records": len(batch.feedback),
                "signers": list(batch.signers),
                "first_finding": _finding(batch.finding) if batch.finding else None,
                "findings": [_finding(finding) for finding in batch.findings],
            }
            for batch in audited
        ],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {"step": str(finding.step), "text": finding.text, "conclusive": finding.conclusive}


def _range(text: str) -> NonceRange:
    from chainrep.node.ledger_history import NonceRange

    if text == "all":
        return NonceRange(1, None)
    found = _RANGE.fullmatch(text)
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    if not 0 < first <= last:
        raise InputError(
            f"{text[:60]!r} names no batches.", "Say which ones, as in `7`, `3-9` or `all`."
        )
    return NonceRange(first, last)
