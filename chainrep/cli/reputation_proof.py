"""``chainrep reputation prove`` and ``verify``: one score, or a whole epoch, checked by anybody."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrep.cli.address import read_address
from chainrep.cli.free_memory import free_memory
from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, progress
from chainrep.cli.reputation_epoch import compute_epoch_of
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.node.computed_epoch import ComputedEpoch
    from chainrep.protocol.score_claim import ScoreClaim
    from chainrep.session import Session

_EPOCH = click.option(
    "--epoch", type=click.IntRange(0), metavar="N", help="Which one [the last that is over]."
)


@click.command(short_help="Prove an account's score to a contract or a stranger.")
@click.argument("account")
@settings
@_EPOCH
@click.option("--out", type=click.Path(path_type=Path), help="Write the proof here as well.")
@json_option
def prove(config: Config, account: str, epoch: int | None, out: Path | None, as_json: bool) -> None:
    """Prove an account's score in an epoch, or that it has none.

    A contract takes the proof once the epoch's root is final; `chainrep reputation verify` checks
    it.
    """
    from chainrep.protocol.score_claim import claim_fields, claim_from
    from chainrep.session import open_session

    address = read_address("ACCOUNT", account)
    session = open_session(config)
    computed = compute_epoch_of(session, epoch)
    claim = claim_from(computed.tree.domain, address, computed.tree.prove(address))
    standing = _standing(session, computed)
    text = json.dumps(claim_fields(claim) | {"root": "0x" + computed.root.hex()}, indent=2)
    if out is not None:
        try:
            out.write_text(text + "\n")
        except OSError as error:
            raise InputError(f"{out} cannot be written: {error.strerror}.") from None
    if as_json:
        click.echo(text)
    else:
        click.echo(_sentence(claim))
        click.echo(f"root: 0x{computed.root.hex()}")
        click.echo(f"leaf: {claim.proof.account} {claim.proof.score} {claim.proof.next}")
        click.echo(f"siblings: 0x{claim.proof.siblings.hex()}")
    click.echo(standing, err=True)


@click.command(short_help="Check a proof, or a whole epoch's root.")
@click.argument("proof", required=False, metavar="[PROOF]")
@settings
@_EPOCH
@click.option("--root", metavar="HEX", help="With PROOF: check against this root, without a chain.")
@click.option(
    "--ratings", type=click.Path(path_type=Path), metavar="CSV",
    help="Without PROOF: compute from this copy of the epoch's ratings, not from the index.",
)  # fmt: skip
@json_option
@click.pass_context
def verify(
    context: click.Context,
    config: Config,
    proof: str | None,
    epoch: int | None,
    root: str | None,
    ratings: Path | None,
    as_json: bool,
) -> None:
    """Check PROOF (a JSON file, or - for standard input), or compute an epoch anew.

    A proof is checked against the final root on the chain, or against --root. Without PROOF all
    of the epoch is computed, and its root and snapshot hash compared with those on the chain. Exits
    1 unless all fits.
    """
    if proof is not None:
        if epoch is not None or ratings is not None:
            raise InputError("--epoch and --ratings do not go with a PROOF, which names its epoch.")
        told, fits = _verify_proof(config, proof, root)
    elif root is not None:
        raise InputError("--root goes with a PROOF.", "Name the file of a proof, or - for stdin.")
    else:
        told, fits = _verify_epoch(config, epoch, ratings)
    if as_json:
        print_json(told | {"fits": fits})
    else:
        click.echo(told["text"])
    if not fits:
        context.exit(1)


def _verify_proof(config: Config, place: str, root: str | None) -> tuple[dict[str, object], bool]:
    from chainrep.protocol.score_claim import read_claim

    claim = read_claim(_content(place))
    told: dict[str, object] = {
        "epoch": claim.domain.epoch, "account": claim.account, "score": claim.score,
    }  # fmt: skip
    if root is not None:
        fits = claim.holds(_root(root))
        under = f"under the root {root}, as far as chain, contract and formula are those you mean"
    else:
        fits, under = _fits_the_chain(config, claim)
    text = f"{_sentence(claim)} " + ("Proven " if fits else "Not proven ") + f"{under}."
    return told | {"text": text}, fits


def _fits_the_chain(config: Config, claim: ScoreClaim) -> tuple[bool, str]:
    from chainrep.chain.reputation_roots import EpochState
    from chainrep.session import open_session

    roots = open_session(config).roots()
    here, domain = roots.domain, claim.domain
    ours = (here.chain_id, here.contract.lower(), roots.rules.formula_hash)
    if (domain.chain_id, domain.contract.lower(), domain.formula_hash) != ours:
        return False, f"here: it is of another chain, contract or formula than {here.contract}"
    found = roots.epoch(domain.epoch)
    if found.state is not EpochState.FINAL:
        return False, f"yet: epoch {domain.epoch} is {found.state.name.lower()}, and not final"
    return claim.holds(found.root), f"under the final root 0x{found.root.hex()}"


def _verify_epoch(
    config: Config, number: int | None, ratings: Path | None
) -> tuple[dict[str, object], bool]:
    from chainrep.chain.reputation_roots import EpochState
    from chainrep.session import open_session

    session = open_session(config)
    if ratings is None:
        computed = compute_epoch_of(session, number)
    else:
        computed = _compute_from(session, number, ratings)
    epoch = computed.epoch.number
    found = session.roots().epoch(epoch)
    fits = (found.root, found.snapshot_hash) == (computed.root, computed.snapshot_hash)
    state = found.state.name.lower()
    ours = f"0x{computed.root.hex()}"
    if found.state is EpochState.OPEN:
        fits, text = False, f"Epoch {epoch} has no root yet; computed here: {ours}."
    elif fits:
        text = f"Epoch {epoch}: the {state} root {ours} is right."
    elif found.root == computed.root:
        text = f"Epoch {epoch}: the {state} root is right, but its snapshot hash is another one."
    else:
        text = (
            f"Epoch {epoch}: the {state} root 0x{found.root.hex()} is not what its ratings give:"
            f" {ours}."
        )
    return {
        "epoch": epoch,
        "state": state,
        "root": "0x" + found.root.hex(),
        "snapshot_hash": "0x" + found.snapshot_hash.hex(),
        "computed_root": ours,
        "computed_snapshot_hash": "0x" + computed.snapshot_hash.hex(),
        "text": text,
    }, fits


def _compute_from(session: Session, number: int | None, ratings: Path) -> ComputedEpoch:
    """The epoch from a copy of its ratings, which the snapshot hash then vouches for."""
    import os

    from chainrep.cli.reputation_epoch import check_over, last_epoch
    from chainrep.node.computed_epoch import compute_epoch
    from chainrep.protocol.epoch import Epoch
    from chainrep.protocol.reputation_tree import TreeDomain
    from chainrep.reputation.rating_file import read_ratings
    from chainrep.reputation.ratings import with_accounts

    roots = session.roots()
    wanted = last_epoch(session, roots) if number is None else number
    check_over(session, roots, wanted)
    formula, here = session.formula(roots), roots.domain
    domain = TreeDomain(here.chain_id, here.contract, wanted, roots.rules.formula_hash)
    now = max(int(time.time()), session.client.now())
    with progress() as bar:
        task = bar.add_task("Reading bytes", total=None)

        def show(done: int, size: int) -> None:
            bar.update(task, completed=done, total=size)

        read = with_accounts(read_ratings(ratings, now, free_memory(), show), formula.seeds)
        bar.add_task(f"Computing epoch {wanted}", total=None)
        epoch = Epoch(wanted, roots.rules.epoch_seconds)
        return compute_epoch(epoch, read, formula, domain, os.cpu_count() or 1)


def _standing(session: Session, computed: ComputedEpoch) -> str:
    """Whether the proof is of use on the chain now."""
    from chainrep.chain.reputation_roots import EpochState

    found = session.roots().epoch(computed.epoch.number)
    if found.state is EpochState.OPEN:
        return "The epoch has no root on the chain yet: `chainrep reputation propose`."
    if found.root != computed.root:
        return f"On the chain the epoch has another root, 0x{found.root.hex()}: it is false."
    if found.state is EpochState.FINAL:
        return "The root is final: contracts take this proof."
    return f"The root on the chain is {found.state.name.lower()}: no contract takes the proof yet."


def _sentence(claim: ScoreClaim) -> str:
    has = f"the score {claim.score:,} / 2^50" if claim.score else "no score"
    return f"{claim.account} has {has} in epoch {claim.domain.epoch}."


def _content(place: str) -> bytes:
    from chainrep.protocol.score_claim import MAX_BYTES

    try:
        if place == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(place).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}.") from None


def _root(text: str) -> bytes:
    try:
        root = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        root = b""
    if len(root) != 20:
        raise InputError(f"--root {text[:60]!r} is not 20 bytes in hexadecimal.")
    return root
