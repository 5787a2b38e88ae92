"""``chainrep node``: the relayer and the indexer, kept at work for years."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.amount import ETHER, GWEI, read_amount
from chainrep.cli.logs import JSON, TEXT, one_line, start_logging
from chainrep.cli.members import member_option, read_members
from chainrep.cli.options import (
    confirmations_option,
    json_option,
    max_fee_option,
    settings,
    signing,
)
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.node.flush_policy import FlushPolicy

DEFAULT_PORT = 8561
SERVE, WATCH, PROPOSE = "serve", "watch", "propose"
_MOST = 10**9
_COLUMNS = ("doing", "silent_for", "failures", "failure")


@click.group(short_help="Relay, index and serve, until stopped.")
def node() -> None:
    """Carry feedback onto the chain and the chain into the local index, until stopped."""


@node.command()
@settings
@signing
@member_option
@click.option(
    "--no-relay", is_flag=True, help="Only index and serve: nothing is sent, no key is needed."
)
@confirmations_option
@click.option(
    "--max-updates", type=click.IntRange(1, _MOST), metavar="N",
    help="Sources per batch [600, or fewer].",
)  # fmt: skip
@click.option(
    "--flush-at", type=click.IntRange(1, _MOST), metavar="N",
    help="Send as soon as so many sources wait [100].",
)  # fmt: skip
@click.option(
    "--max-age", type=click.IntRange(0, _MOST), metavar="SECONDS",
    help="Send as soon as a judgement is so old [3600].",
)  # fmt: skip
@max_fee_option
@click.option("--daily-budget", metavar="ETH", help="Spend no more than this per UTC day.")
@click.option(
    "--half-life", type=click.FloatRange(0.01, 100_000), metavar="HOURS",
    help="With a budget: how fast waiting makes a judgement urgent, then stale [6].",
)  # fmt: skip
@click.option(
    "--block-seconds", type=click.IntRange(1, 864), default=12, show_default=True, metavar="N",
    help="With a budget: how long a block of this chain takes.",
)  # fmt: skip
@click.option(
    "--epochs", type=click.Choice([SERVE, WATCH, PROPOSE]), metavar="WHAT",
    help="Reputations: compute and `serve` them; also `watch`, challenging false roots with a bond;"
    " also `propose` roots [none].",
)  # fmt: skip
@click.option(
    "--bond-key", metavar="NAME",
    help="With --epochs watch or propose: the key that puts up bonds; nothing else may send from"
    " it [a local chain's account].",
)  # fmt: skip
@click.option(
    "--max-bonds", metavar="ETH", help="What all bonds may come to at any time [4 bonds]."
)
@click.option(
    "--resume-bonds", is_flag=True, help="Put up bonds although some were lost before this start."
)
@click.option(
    "--public-url", default="", metavar="URL",
    help="With --epochs propose: where others find this node, for the ratings behind a root.",
)  # fmt: skip
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Port to answer on; 0: a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--unwell-after", type=click.FloatRange(1, 86_400), default=120.0, show_default=True,
    metavar="SECONDS", help="/healthz is 503 once a part has done nothing well for so long.",
)  # fmt: skip
@click.option(
    "--log-format", type=click.Choice([TEXT, JSON]), default=TEXT, show_default=True,
    help="Lines for people or JSON for machines, on standard error.",
)  # fmt: skip
def run(
    config: Config,
    read_passphrase: Callable[[str], str],
    members: tuple[str, ...],
    no_relay: bool,
    confirmations: int | None,
    max_updates: int | None,
    flush_at: int | None,
    max_age: int | None,
    max_fee: str | None,
    daily_budget: str | None,
    half_life: float | None,
    block_seconds: int,
    epochs: str | None,
    bond_key: str | None,
    max_bonds: str | None,
    resume_bonds: bool,
    public_url: str,
    port: int,
    host: str,
    unwell_after: float,
    log_format: str,
) -> None:
    """Send feedback in signed batches and index the chain, until Ctrl-C or SIGTERM.

    A part that fails is started again after a pause; a killed node is gone on from, and nothing is
    counted twice. /healthz, /metrics, /evidence/ROOT and /deployment are answered, and with
    --epochs also /reputation. To be reached from other machines, put a proxy with TLS in front.
    """
    from chainrep.cli.epoch_plan import plan_epochs
    from chainrep.cli.running_node import RelayPlan, run_node
    from chainrep.session import open_session, sender_key, signing_accounts

    asked = read_members(members)
    given = {
        "max_updates": max_updates,
        "flush_at": flush_at,
        "max_age": max_age,
        "max_fee": None if max_fee is None else read_amount("--max-fee", max_fee, GWEI),
        "half_life": None if half_life is None else round(half_life * 3_600),
    }
    budget = None if daily_budget is None else read_amount("--daily-budget", daily_budget, ETHER)
    policy = _policy(given, budget, block_seconds)
    session = open_session(config)
    plan = None
    if not no_relay:
        key = sender_key(config, session.client, read_passphrase)
        if not asked:
            signing_accounts(session.client)  # refuses, now and not for ever, where nobody can sign
        plan = RelayPlan(key, asked, confirmations, policy)
    kept = None
    if epochs is not None:
        wei = None if max_bonds is None else read_amount("--max-bonds", max_bonds, ETHER)
        sender = None if plan is None else plan.sender_key
        kept = plan_epochs(
            session, epochs != SERVE, epochs == PROPOSE, bond_key, wei, public_url, confirmations,
            read_passphrase, sender, asked, resume_bonds,
        )  # fmt: skip
    elif bond_key or max_bonds or public_url or resume_bonds:
        raise InputError(
            "--bond-key, --max-bonds, --resume-bonds and --public-url go with --epochs."
        )
    start_logging(log_format)
    run_node(session, plan, host, port, unwell_after, kept)


@node.command()
@click.option(
    "--url", default=f"http://127.0.0.1:{DEFAULT_PORT}", show_default=True,
    help="Where the node answers.",
)  # fmt: skip
@json_option
def status(url: str, as_json: bool) -> None:
    """Ask a running node how it is; exit 1 when it is unwell or does not answer."""
    from chainrep.cli.node_health import ask_health

    health = ask_health(url)
    if as_json:
        print_json(health.content)
    else:
        _print_health(health.content)
    if not health.well:
        raise click.exceptions.Exit(1)


def _policy(given: Mapping[str, int | None], budget: int | None, block_seconds: int) -> FlushPolicy:
    from chainrep.node.flush_policy import FlushPolicy
    from chainrep.node.pacing import Budget

    stated: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if budget is not None:
        stated["budget"] = Budget(budget, block_seconds)
    return FlushPolicy(**stated)


def _print_health(content: Mapping[str, Any]) -> None:
    rows = [
        [one_line(str(name)), *(one_line(str(part.get(key, ""))) for key in _COLUMNS)]
        for name, part in content["parts"].items()
    ]
    title = f"The node is {one_line(str(content['status']))}"
    print_table(["part", "doing", "silent for s", "failures", "failure"], rows, title=title)
    for name in ("index", "outbox"):
        for key, value in content.get(name, {}).items():
            if value != "":
                click.echo(f"{name} {one_line(str(key)).replace('_', ' ')}: {one_line(str(value))}")
    for problem in content["problems"]:
        click.echo(one_line(str(problem)), err=True)
