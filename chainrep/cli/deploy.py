"""``chainrep deploy``: the contracts onto a local chain."""

from __future__ import annotations

from dataclasses import asdict

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import NotDeployed


@click.command(short_help="Put the contracts on a local chain.")
@settings
@click.option("--again", is_flag=True, help="Deploy new contracts even where there are some.")
@click.option(
    "--archive", is_flag=True, help="A ledger of events only, for audit: a tenth of the gas."
)
@json_option
def deploy(config: Config, again: bool, archive: bool, as_json: bool) -> None:
    """Deploy the contracts, and note their addresses in the home folder.

    The committee is 2 of 3 of the local chain's published accounts. A second run changes
    nothing and shows the deployment that is there.
    """
    from chainrep.chain.address_book import save_deployment
    from chainrep.chain.client import connect
    from chainrep.chain.deploy import deploy_contracts
    from chainrep.session import COMMITTEE, OWNER, THRESHOLD, open_session, signing_accounts

    fresh = again
    if not again:
        try:
            deployment = open_session(config).deployment
        except NotDeployed:
            fresh = True
    if fresh:
        client = connect(config.urls, config.chain_id)
        accounts = signing_accounts(client)
        members = [accounts[i].address for i in COMMITTEE]
        deployment = deploy_contracts(
            client, accounts[OWNER].private_key, members, THRESHOLD, archive
        )
        save_deployment(config.deployments, deployment)
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
