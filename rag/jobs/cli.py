"""``chainrep jobs``: be a provider, a verifier or a requester, and look at a job."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import ConfigError
from rag.guard import stop_signals, with_rag
from rag.jobs.calibrate_cli import calibrate
from rag.jobs.options import (
    ModelChoice,
    calibration_option,
    job_files,
    provider_option,
    published_option,
    read_job,
    read_providers,
    running,
)
from rag.jobs.request_cli import request, resume

if TYPE_CHECKING:
    from chainrep.protocol.job import Job
    from rag.jobs.runner import Runner


@click.group(short_help="Inference that is paid for once it was verified.")
def jobs() -> None:
    """Ask for inference that verifiers check before it is paid for; provide it; verify it."""


jobs.add_command(calibrate)
jobs.add_command(request)
jobs.add_command(resume)


@jobs.command()
@settings
@signing
@running
@calibration_option
@click.option("--port", default=8570, show_default=True, help="Port to answer on; 0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--min-price", default="0", show_default=True, metavar="ETH", help="Least price.")
@click.option("--max-bond", default="1", show_default=True, metavar="ETH", help="Most to put up.")
@click.option(
    "--max-tokens", type=click.IntRange(1, 100_000), default=1024, show_default=True,
    help="Longest answer.",
)  # fmt: skip
@published_option(4)
@with_rag
def serve(
    config: Config,
    read_passphrase: Callable[[str], str],
    choice: ModelChoice,
    calibration: Path,
    port: int,
    host: str,
    min_price: str,
    max_bond: str,
    max_tokens: int,
    published_account: int,
) -> None:
    """Run a model for whoever pays, until Ctrl-C: take orders over HTTP, commit, open, be paid.

    Receipts are kept in the home folder before anything is committed: started again, it goes on
    where it was. To be reached from other machines, put a proxy with TLS in front.
    """
    from rag.jobs.provider import Prices

    prices = Prices(_ether("--min-price", min_price), _ether("--max-bond", max_bond), max_tokens)
    runner = choice.load(calibration)
    serve_jobs(config, read_passphrase, published_account, runner, prices, host, port)


def serve_jobs(
    config: Config,
    read_passphrase: Callable[[str], str],
    published_account: int,
    runner: Runner,
    prices: Any,
    host: str,
    port: int,
) -> None:
    """Be a provider with a loaded model, until SIGINT or SIGTERM."""
    from chainrep.service.server import HttpServer
    from chainrep.session import open_session, sender_key
    from rag.jobs.at_work import keep_at_work
    from rag.jobs.provider import Provider, address_of
    from rag.jobs.provider_service import PROVIDER_LIMITS, provider_app

    session = open_session(config)
    key = sender_key(config, session.client, read_passphrase, published_account)
    files = job_files(session, "provider", address_of(key))
    _log_to_stderr()
    with files.sole_use():
        provider = Provider(session.jobs(), session.job_reader(), runner, files, prices, key)
        server = HttpServer(provider_app(provider), port, host, PROVIDER_LIMITS)
        stopping = stop_signals()
        with server:
            click.echo(f"Provider {provider.address} answers at {server.url}; Ctrl-C stops it.")
            sys.stdout.flush()
            keep_at_work(provider, session.client, key, stopping, lambda: server.alive)
            if not stopping.is_set():
                raise ConfigError("The server broke down.", "Start it again.")
    click.echo("Stopped.")


@jobs.command()
@settings
@signing
@running
@calibration_option
@provider_option
@click.option(
    "--seats", type=click.IntRange(0, 100), default=1, show_default=True, metavar="N",
    help="Take seats, each with its bond, until so many are held.",
)  # fmt: skip
@published_option(6)
@with_rag
def verify(
    config: Config,
    read_passphrase: Callable[[str], str],
    choice: ModelChoice,
    calibration: Path,
    providers: tuple[str, ...],
    seats: int,
    published_account: int,
) -> None:
    """Hold seats and check what they are drawn for, until Ctrl-C.

    Each ballot is kept in the home folder before it is sealed, so that it can be opened even after
    a power cut: a seat that seals and does not open is fined. A provider whose URL is not given is
    not judged: the seat abstains.
    """
    from chainrep.session import open_session, sender_key
    from rag.jobs.at_work import keep_at_work
    from rag.jobs.provider import address_of
    from rag.jobs.seat_holder import SeatHolder

    urls = read_providers(providers)
    session = open_session(config)
    key = sender_key(config, session.client, read_passphrase, published_account)
    files = job_files(session, "verifier", address_of(key))
    _log_to_stderr()
    with files.sole_use():
        runner = choice.load(calibration)
        holder = SeatHolder(session.jobs(), session.job_reader(), runner, files, urls, key)
        stopping = stop_signals()
        held = holder.take_seats(seats)
        names = ", ".join(str(seat) for seat in held) or "none"
        click.echo(f"Verifier {holder.address} holds seats: {names}; Ctrl-C stops it.")
        sys.stdout.flush()
        keep_at_work(holder, session.client, key, stopping)
    click.echo("Stopped.")


@jobs.command()
@settings
@signing
@click.argument("seat", type=click.IntRange(1))
@published_option(6)
@with_rag
def leave(
    config: Config, read_passphrase: Callable[[str], str], seat: int, published_account: int
) -> None:
    """Take SEAT off the list; run it again once its notice is over to get its bond back."""
    from chainrep.session import open_session, sender_key
    from rag.jobs.provider import address_of

    session = open_session(config)
    key = sender_key(config, session.client, read_passphrase, published_account)
    contract = session.jobs()
    free_at = contract.seat(seat).free_at
    if not free_at:
        contract.leave_seat(seat, key)
        free_at = contract.seat(seat).free_at
        click.echo(f"Seat {seat} left; its bond is free at {free_at} (Unix seconds).")
        return
    contract.collect(seat, key)
    contract.withdraw(address_of(key), key)
    click.echo(f"What seat {seat} held is back with {address_of(key)}.")


@jobs.command()
@settings
@click.argument("job")
@json_option
@with_rag
def show(config: Config, job: str, as_json: bool) -> None:
    """Show where JOB is, its votes so far, and what it came to."""
    from chainrep.session import open_session

    found = open_session(config).job_reader().read(read_job(job))
    if as_json:
        print_json(as_plain(found))
        return
    show_job(found)


def show_job(job: Job) -> None:
    """A table of the votes, round by round, and the verdict."""
    rows: list[list[object]] = [
        [number, ended.leaf, f"seat {seat}", vote.name.lower()]
        for number, ended in enumerate(job.past)
        for seat, vote in zip(ended.panel, ended.votes, strict=True)
    ]
    for ballot in job.opened:
        turn = job.drawn
        words = f"{ballot.vote.name.lower()}, {ballot.distance} bits"
        rows.append([turn.round, turn.leaf, f"seat {turn.panel[ballot.place]}", words])
    state = job.outcome.verdict.name.lower() if job.outcome else job.phase.name.lower()
    print_table(["round", "leaf", "who", "vote"], rows, f"Job 0x{job.id:064x}: {state}")


def as_plain(job: Job) -> dict[str, Any]:
    """A job for JSON; money in decimal digits."""
    conditions = job.terms.conditions
    outcome = job.outcome
    return {
        "job": f"0x{job.id:064x}",
        "phase": job.phase.name.lower(),
        "requester": conditions.requester,
        "provider": job.provider if job.claim else conditions.provider,
        "price": str(conditions.price),
        "bond": str(conditions.bond),
        "threshold": conditions.threshold,
        "leaves": job.claim.leaf_count if job.claim else None,
        "rounds": [
            {
                "leaf": ended.leaf,
                "withheld": ended.withheld,
                "votes": {
                    str(seat): vote.name.lower()
                    for seat, vote in zip(ended.panel, ended.votes, strict=True)
                },
            }
            for ended in job.past
        ],
        "verdict": outcome.verdict.name.lower() if outcome else None,
        "to_provider": str(outcome.to_provider) if outcome else None,
        "to_requester": str(outcome.to_requester) if outcome else None,
    }


def _ether(option: str, text: str) -> int:
    from chainrep.cli.amount import ETHER, read_amount

    return 0 if text == "0" else read_amount(option, text, ETHER)


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    for name in ("chainrep", "rag"):
        logging.getLogger(name).setLevel(logging.INFO)
