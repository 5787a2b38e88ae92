"""``chainrep jobs request`` and ``resume``: have a prompt answered, and pay if it was honest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.amount import ETHER, read_amount
from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json, progress
from chainrep.config import Config
from chainrep.errors import EvidenceUnavailable, InputError
from rag.guard import with_rag
from rag.jobs.options import (
    calibration_option,
    check_writable,
    decoding,
    job_files,
    model_option,
    published_option,
    read_job,
    read_providers,
    writing,
)

if TYPE_CHECKING:
    from chainrep.protocol.receipt_file import ReceiptFile
    from rag.causal_model import CausalModel
    from rag.jobs.requester import Requester

_POLL_SECONDS = 0.5

out_option = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("receipt.json"), show_default=True,
    metavar="FILE", help="Where the receipt goes, with prompt, answer and salt.",
)  # fmt: skip
wait_option = click.option(
    "--wait", type=click.FloatRange(1), default=900.0, show_default=True, metavar="SECONDS",
    help="How long to wait for the answer; the request is kept.",
)  # fmt: skip


@click.command()
@settings
@signing
@click.option("--provider", required=True, metavar="ADDRESS=URL", help="Who is to answer.")
@model_option
@calibration_option
@click.option("--prompt", required=True, metavar="TEXT")
@decoding
@click.option("--price", required=True, metavar="ETH", help="What an honest answer is paid.")
@click.option("--bond", metavar="ETH", help="What the provider puts up [ten times the price].")
@click.option("--fee", metavar="ETH", help="What each vote is paid [a tenth of the price].")
@click.option("--panel", type=click.IntRange(1, 3), default=3, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 7), default=3, show_default=True)
@click.option("--accept-lead", type=click.IntRange(1), default=2, show_default=True)
@click.option("--reject-lead", type=click.IntRange(2), default=2, show_default=True)
@out_option
@wait_option
@published_option(0)
@json_option
@with_rag
def request(
    config: Config,
    read_passphrase: Callable[[str], str],
    provider: str,
    model: str,
    calibration: Path,
    prompt: str,
    decode: Callable[[tuple[int, ...]], Any],
    price: str,
    bond: str | None,
    fee: str | None,
    panel: int,
    rounds: int,
    accept_lead: int,
    reject_lead: int,
    out: Path,
    wait: float,
    published_account: int,
    as_json: bool,
) -> None:
    """Have PROMPT answered by a provider; verifiers check the answer before it is paid.

    Price and fees are paid in at once, and come back as far as they are not earned. Salt and terms
    are kept in the home folder first: `chainrep jobs resume` goes on after a power cut.
    """
    from rag.causal_model import load_causal_model
    from rag.jobs.requester import Deal
    from rag.jobs.runner import same_model
    from rag.lsh.calibration_file import read_calibration
    from rag.lsh.honest_runs import MEASURED, is_measured
    from rag.lsh.model_spec import describe_model

    check_writable(out)
    if not is_measured(decode(())):
        raise InputError(
            f"{MEASURED} Honest tokens chosen otherwise could look wrong.",
            "Take --temperature 0, or 0.5 and more, and neither --top-k nor --top-p.",
        )
    ((address, url),) = read_providers((provider,)).items()
    wei = read_amount("--price", price, ETHER)
    known = read_calibration(calibration)
    requester = _requester(config, read_passphrase, published_account)
    least = requester.jobs.rules.least_fee
    paid = max(wei // 10, least) if fee is None else read_amount("--fee", fee, ETHER)
    if paid < least:
        raise InputError(
            f"A vote must be paid {least / 10**ETHER:g} ether or more here.", "Raise --fee."
        )
    deal = Deal(
        price=wei,
        bond=10 * wei if bond is None else read_amount("--bond", bond, ETHER),
        fee=paid,
        panel=panel,
        rounds=rounds,
        accept_lead=accept_lead,
        reject_lead=reject_lead,
    )
    offer = requester.offer(url, address)
    loaded = load_causal_model(model)
    if not same_model(describe_model(loaded), offer.model):
        raise InputError(
            "The provider offers another model than the one in --model.",
            "Ask another provider, or name the model that you want from this one.",
        )
    ids = tuple(loaded.tokens(prompt))
    number = requester.draft(url, offer, ids, decode(loaded.end_tokens), known, deal)
    click.echo(f"Job 0x{number:064x}", err=True)
    _see_through(requester, number, out, wait, as_json, loaded)


@click.command()
@settings
@signing
@click.argument("job")
@model_option
@out_option
@wait_option
@published_option(0)
@json_option
@with_rag
def resume(
    config: Config,
    read_passphrase: Callable[[str], str],
    job: str,
    model: str,
    out: Path,
    wait: float,
    published_account: int,
    as_json: bool,
) -> None:
    """Go on with JOB, requested from this home folder: pay, hand over, fetch the answer.

    A job that nobody committed to in time is called off, and its money comes back.
    """
    from rag.causal_model import load_causal_model

    check_writable(out)
    number = read_job(job)
    requester = _requester(config, read_passphrase, published_account)
    requester.recall(number)
    _see_through(requester, number, out, wait, as_json, load_causal_model(model))


def _see_through(
    requester: Requester, number: int, out: Path, wait: float, as_json: bool, model: CausalModel
) -> None:
    with progress() as bar:
        bar.add_task("Waiting for the answer", total=None)
        content, found = _await_answer(requester, number, wait)
    with writing(out):
        out.write_bytes(content)
    words = found.transcript
    text = model.text(words.output) if words else ""
    if as_json:
        print_json(
            {
                "job": f"0x{number:064x}",
                "answer": text,
                "tokens": found.receipt.header.items,
                "receipt": str(out),
            }
        )
        return
    click.echo(text)
    click.echo(f"\nThe receipt is in {out}. `chainrep jobs show` tells the verdict:", err=True)
    click.echo(f"chainrep jobs show 0x{number:064x}", err=True)


def _await_answer(requester: Requester, number: int, wait: float) -> tuple[bytes, ReceiptFile]:
    """Pay, hand over and fetch, again and again until it is done or the time is over."""
    until = time.monotonic() + wait
    requester.pay(number)
    is_ordered, trouble = False, ""
    while True:
        # First: whatever the provider shows by now, it can no longer commit.
        if requester.reclaim(number):
            raise EvidenceUnavailable(
                f"Nobody committed to the job in time, and its money came back.{trouble}"
            )
        try:
            if not is_ordered:
                requester.hand_over(number)
                is_ordered = True
            found = requester.answer(number)
            if found is not None:
                return found
        except EvidenceUnavailable as error:
            trouble = f" {error.summary}"
        if time.monotonic() > until:
            raise EvidenceUnavailable(
                f"There is no answer after {wait:.0f} s.{trouble}",
                f"Go on with: chainrep jobs resume 0x{number:064x}",
            )
        time.sleep(_POLL_SECONDS)


def _requester(
    config: Config, read_passphrase: Callable[[str], str], published_account: int
) -> Requester:
    from chainrep.session import open_session, sender_key
    from rag.jobs.provider import address_of
    from rag.jobs.requester import Requester

    session = open_session(config)
    key = sender_key(config, session.client, read_passphrase, published_account)
    files = job_files(session, "requester", address_of(key))
    return Requester(session.jobs(), session.job_reader(), files, key)
