"""``chainrep deploy``: the contracts onto a chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chainrep.cli.address import read_address
from chainrep.cli.amount import ETHER, read_amount
from chainrep.cli.job_terms import job_terms_options
from chainrep.cli.options import json_option, settings, signing
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.chain.client import Client
    from chainrep.chain.deploy import JobTerms
    from chainrep.session import Committee


_SECONDS = click.IntRange(1, 3_650 * 86_400)


@click.command(short_help="Put the contracts on a chain.")
@settings
@signing
@click.option("--member", "members", multiple=True, metavar="ADDRESS", help="A reporter; repeat.")
@click.option("--threshold", type=click.IntRange(1), metavar="K", help="How many must sign.")
@click.option("--again", is_flag=True, help="Deploy new contracts even where there are some.")
@click.option(
    "--archive", is_flag=True, help="A ledger of events only, for audit: a tenth of the gas."
)
@click.option(
    "--seed", "seeds", multiple=True, metavar="ADDRESS",
    help="An account from which reputation starts; repeat [the committee].",
)  # fmt: skip
@click.option(
    "--epoch-seconds", type=_SECONDS, default=7 * 86_400, show_default=True, metavar="S",
    help="How often reputations are computed.",
)  # fmt: skip
@click.option(
    "--window", type=_SECONDS, default=86_400, show_default=True, metavar="S",
    help="How long a root can be challenged.",
)  # fmt: skip
@click.option(
    "--settle-time", type=_SECONDS, default=2 * 86_400, show_default=True, metavar="S",
    help="How long the committee then has to settle.",
)  # fmt: skip
@click.option(
    "--bond", default="0.1", show_default=True, metavar="ETH",
    help="What a proposer or challenger puts up.",
)  # fmt: skip
@job_terms_options
@json_option
def deploy(
    config: Config,
    read_passphrase: Callable[[str], str],
    members: Sequence[str],
    threshold: int | None,
    again: bool,
    archive: bool,
    seeds: Sequence[str],
    epoch_seconds: int,
    window: int,
    settle_time: int,
    bond: str,
    job_terms: JobTerms,
    as_json: bool,
) -> None:
    """Deploy the contracts, and note their addresses in the home folder.

    The committee is the --member addresses, of which --threshold must sign; on a local chain,
    where neither is given, 2 of 3 of its published accounts. A second run changes nothing and
    shows the deployment that is there. Seeds, times, bonds and fine hold for good, as does the
    formula of reputation, which the address book keeps beside the addresses.
    """
    from chainrep.chain.client import connect
    from chainrep.chain.deploy import RootTerms
    from chainrep.session import deploy_new, find_deployment, sender_key

    named = [read_address("--seed", seed) for seed in seeds]
    if len(set(named)) < len(named):
        raise InputError("--seed names an account twice.")
    wei = read_amount("--bond", bond, ETHER)
    terms = RootTerms("", epoch_seconds, window, settle_time, wei)
    client = connect(config.urls, config.chain_id)
    deployment = None if again else find_deployment(config, client)
    fresh = deployment is None
    if deployment is None:
        committee = _committee(client, members, threshold)
        private_key = sender_key(config, client, read_passphrase)
        deployment = deploy_new(
            config, client, private_key, committee, archive, named, terms, job_terms
        )
    if as_json:
        print_json(asdict(deployment) | {"new": fresh})
        return
    title = "Deployed" if fresh else "Already deployed (--again makes new contracts)"
    print_table(
        ["contract", "address"],
        [[name, address] for name, address in deployment.contracts.items()],
        title=f"{title} on chain {deployment.chain_id}",
    )
    click.echo(f"Committee: {deployment.threshold} of {len(deployment.members)} must sign.")


def _committee(client: Client, members: Sequence[str], threshold: int | None) -> Committee:
    from chainrep.chain.devnet import DEVNET_CHAIN_IDS
    from chainrep.session import Committee, published_committee

    if not members and threshold is None and client.chain_id in DEVNET_CHAIN_IDS:
        return published_committee(client)
    if not members or threshold is None:
        raise InputError(
            f"Chain {client.chain_id} needs a committee of its own.",
            "Name each reporter with --member ADDRESS, and with --threshold K how many must sign.",
        )
    return Committee([read_address("--member", member) for member in members], threshold)
