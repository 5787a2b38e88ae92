"""``chainrep doctor``: what is not well here, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from chainrep.cli.options import json_option, named_key, settings
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import ChainrepError


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it passed, what was seen, and what to do if it did not."""

    check: str
    ok: bool
    seen: str
    remedy: str = ""


@click.command(short_help="Find what is not well here.")
@settings
@named_key
@json_option
def doctor(config: Config, as_json: bool) -> None:
    """Check home folder, disk, store, keys, chain, clock, deployment, account and packages.

    Each finding that is not well comes with what to do about it; exit 1 if there is one.
    """
    findings = list(_findings(config))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ["", "check", "seen", "what to do"],
            [["ok" if f.ok else "!!", f.check, f.seen, f.remedy] for f in findings],
        )
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def _findings(config: Config) -> Iterator[Finding]:
    from chainrep.chain.client import connect
    from chainrep.cli.chain_checks import CHAIN_CHECKS
    from chainrep.cli.machine_checks import MACHINE_CHECKS

    for name, check in MACHINE_CHECKS.items():
        yield _examine(name, lambda check=check: check(config))  # type: ignore[misc]
    try:
        client = connect(config.urls, config.chain_id)
    except ChainrepError as error:
        yield Finding("chain", ok=False, seen=error.summary, remedy=error.remedy)
        return
    yield Finding("chain", ok=True, seen=f"id {client.chain_id} at {client.label}")
    for name, on_chain in CHAIN_CHECKS.items():
        yield _examine(name, lambda check=on_chain: check(config, client))  # type: ignore[misc]


def _examine(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, seen=check())
    except ChainrepError as error:
        return Finding(name, ok=False, seen=error.summary, remedy=error.remedy)
