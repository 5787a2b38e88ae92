"""``chainrep reputation vouch``, ``rate`` and ``propose``: what goes on the chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from chainrep.cli.address import read_address
from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.chain.client import Receipt
    from chainrep.session import Session

_account_option = click.option(
    "--account",
    type=click.IntRange(0, 9),
    metavar="N",
    help="On a local chain: the published account that signs, 0 to 9 [0].",
)


@click.command(short_help="Say on the chain how far you trust an account.")
@click.argument("address")
@settings
@signing
@click.option(
    "--weight", type=float, required=True, metavar="UNITS",
    help="How much, up to 327.67; below zero: a warning.",
)  # fmt: skip
@_account_option
@json_option
def vouch(
    config: Config,
    read_passphrase: Callable[[str], str],
    address: str,
    weight: float,
    account: int | None,
    as_json: bool,
) -> None:
    """Vouch for ADDRESS in the open lane, or warn of it. The last word on an account counts."""
    from chainrep.protocol.vouch import MAX_VOUCH
    from chainrep.session import open_session

    who = read_address("ADDRESS", address)
    amount = _hundredths("--weight", weight, -MAX_VOUCH, MAX_VOUCH)
    if amount == 0:
        raise InputError("--weight 0 says nothing.", "Vouch with a little, or warn with less.")
    session = open_session(config)
    log = session.feedback_log()
    key = _sender(session, account, read_passphrase)
    receipt = log.vouch({who: amount}, key)
    verb = "Vouched for" if amount > 0 else "Warned of"
    _told(f"{verb} {who} with {abs(amount) / 100:.2f} units", receipt, as_json)


@click.command(short_help="Rate a source on the chain in your own name.")
@click.argument("source_id", type=click.IntRange(1), metavar="SOURCE")
@settings
@signing
@click.option("--supported", default=0.0, help="Units of evidence that it was right.")
@click.option("--contradicted", default=0.0, help="Units of evidence that it was wrong.")
@_account_option
@json_option
def rate(
    config: Config,
    read_passphrase: Callable[[str], str],
    source_id: int,
    supported: float,
    contradicted: float,
    account: int | None,
    as_json: bool,
) -> None:
    """Rate the source with this id in the open lane; it speaks for whoever owns it."""
    from chainrep.protocol.types import MAX_DELTA, ScoreUpdate
    from chainrep.session import open_session

    right = _hundredths("--supported", supported, 0, MAX_DELTA)
    wrong = _hundredths("--contradicted", contradicted, 0, MAX_DELTA)
    if not right and not wrong:
        raise InputError("A rating says something.", "Give --supported or --contradicted.")
    session = open_session(config)
    log = session.feedback_log()
    key = _sender(session, account, read_passphrase)
    receipt = log.rate([ScoreUpdate(source_id, right, wrong, 0, 0)], key)
    _told(f"Rated source {source_id}", receipt, as_json)


@click.command(short_help="Propose an epoch's root, with a bond.")
@settings
@signing
@click.option(
    "--epoch", type=click.IntRange(0), metavar="N", help="Which one [the last that is over]."
)
@click.option("--url", default="", metavar="URL", help="Where the ratings can be had.")
@_account_option
@click.option("--yes", is_flag=True, help="Do not ask before the bond is paid.")
@json_option
def propose(
    config: Config,
    read_passphrase: Callable[[str], str],
    epoch: int | None,
    url: str,
    account: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Compute an epoch and propose its root. Whoever proposes a false one loses the bond.

    `chainrep node run --epochs propose` does it for every epoch, and finalizes.
    """
    from chainrep.chain.reputation_roots import EpochState
    from chainrep.cli.reputation_epoch import compute_epoch_of
    from chainrep.session import open_session

    session = open_session(config)
    computed = compute_epoch_of(session, epoch)
    number, roots = computed.epoch.number, session.roots()
    found = roots.epoch(number)
    if found.state is not EpochState.OPEN:
        same = "the same" if found.root == computed.root else "another"
        raise InputError(
            f"Epoch {number} has a {found.state.name.lower()} root already, {same} one as is"
            " computed here.",
            "`chainrep reputation verify` compares them.",
        )
    if not yes:
        bond = f"{roots.rules.bond / 10**18:g} ETH"
        click.confirm(f"Propose a root for epoch {number} with {bond}?", abort=True, err=True)
    key = _sender(session, account, read_passphrase)
    receipt = roots.propose(number, computed.root, computed.snapshot_hash, url, key)
    root = "0x" + computed.root.hex()
    _told(f"Proposed {root} for epoch {number}", receipt, as_json, epoch=number, root=root)


def _sender(session: Session, account: int | None, read_passphrase: Callable[[str], str]) -> bytes:
    from chainrep.session import OWNER, sender_key

    if account is not None and session.config.key:
        raise InputError("Both --account and --key (or CHAINREP_KEY) say who signs.", "Give one.")
    published = OWNER if account is None else account
    return sender_key(session.config, session.client, read_passphrase, published)


def _told(text: str, receipt: Receipt, as_json: bool, **more: object) -> None:
    if as_json:
        sent = {"transaction": "0x" + receipt.hash.hex(), "gas": receipt.gas_used}
        print_json(more | sent)
        return
    click.echo(f"{text} ({receipt.gas_used:,} gas).")


def _hundredths(option: str, units: float, low: int, high: int) -> int:
    if not low / 100 <= units <= high / 100:  # also refuses NaN
        raise InputError(f"{option} must lie in {low / 100}..{high / 100} units, not {units}.")
    return round(units * 100)
