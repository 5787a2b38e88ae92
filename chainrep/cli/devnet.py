"""``chainrep devnet``: a local chain, in the background or until Ctrl-C."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.foreground_chain import require_free, serve_until_stopped
from chainrep.cli.options import home, json_option
from chainrep.cli.output import print_json, print_table
from chainrep.config import DEFAULT_RPC, Config
from chainrep.errors import ChainError, ConfigError

if TYPE_CHECKING:
    from chainrep.chain.client import Client
    from chainrep.chain.local_chain import LocalChain

_DEFAULT_PORT = 8545


@click.group(short_help="Run a local chain to try things on.")
def devnet() -> None:
    """Run a local chain on loopback: anvil when found, else the embedded eth-tester.

    Its accounts are published ones: never send them anything of worth.
    """


@devnet.command()
@home
@click.option(
    "--port", default=_DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65_535),
    help="Port on 127.0.0.1.",
)  # fmt: skip
@click.option("--embedded", is_flag=True, help="Use the embedded chain even where anvil is found.")
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C; nothing is kept or deployed.")
@json_option
def start(config: Config, port: int, embedded: bool, foreground: bool, as_json: bool) -> None:
    """Start a local chain in the background, with our contracts on it.

    anvil's state is kept, and goes on from there at the next start; the embedded chain is
    forgotten when it stops.
    """
    if foreground:
        serve_until_stopped(port, embedded)
        return
    from chainrep.chain.local_chain import sole_use

    with sole_use(config.devnet):
        _report_start(config, port, embedded, as_json)


@devnet.command()
@home
@json_option
def status(config: Config, as_json: bool) -> None:
    """Show whether the local chain runs, where, and what is kept of it."""
    from chainrep.chain.local_chain import find_local_chain

    found = find_local_chain(config.devnet)
    seen = _status(config, found)
    if as_json:
        print_json(seen)
        return
    rows = [
        [name.replace("_", " "), str(value)] for name, value in seen.items() if value is not None
    ]
    print_table(["local chain", str(seen["state"])], rows[1:])
    if seen["state"] != "running":
        click.echo("`chainrep devnet start` starts it.")


@devnet.command()
@home
def stop(config: Config) -> None:
    """Stop the local chain; what anvil knows is kept."""
    from chainrep.chain.local_chain import find_local_chain, sole_use

    with sole_use(config.devnet):
        found = find_local_chain(config.devnet)
        if found is None or not found.running:
            _tidy(config, found)
            click.echo("No local chain was running.")
            return
        graceful = _tidy(config, found)
    click.echo("Stopped." if graceful else "It did not end by itself and was killed.")


@devnet.command()
@home
@json_option
def reset(config: Config, as_json: bool) -> None:
    """Forget the local chain and its contracts; start a new one if it was running."""
    from chainrep.chain.local_chain import find_local_chain, forget_local_chain, sole_use

    with sole_use(config.devnet):
        found = find_local_chain(config.devnet)
        again = found is not None and found.running
        _tidy(config, found)
        forget_local_chain(config.devnet)
        if found is not None:
            _forget_deployment(config, found)
        if found is not None and again:
            _report_start(config, found.port, found.kind != "anvil", as_json)
        elif as_json:
            print_json({"state": "none"})
        else:
            click.echo("Forgotten. `chainrep devnet start` starts a new chain.")


def _report_start(config: Config, port: int, embedded: bool, as_json: bool) -> None:
    from chainrep.chain.devnet import ACCOUNTS, BALANCE

    chain, client, new = _started(config, port, embedded)
    config = replace(config, rpc=chain.url, chain_id=None)
    ledger, deployed = _contracts(config, client)
    if as_json:
        print_json(_status(config, chain) | {"new": new, "deployed": deployed})
        return
    click.echo(f"The local chain {'runs' if new else 'is running already'} at {chain.url}.")
    kept = f"kept in {config.devnet}, a few seconds behind at most"
    print_table(
        ["local chain", chain.kind],
        [
            ["chain id", str(client.chain_id)],
            ["accounts", f"{ACCOUNTS} published ones, {BALANCE // 10**18:,} ETH each at first"],
            ["ledger", f"{ledger}{' (new)' if deployed else ''}"],
            ["state", kept if chain.kind == "anvil" else "forgotten when it stops"],
        ],
    )
    if chain.url != DEFAULT_RPC:
        click.echo(f"For the other commands: export CHAINREP_RPC={chain.url}")
    click.echo("Next: chainrep source register URI; in the end: chainrep devnet stop")


def _started(config: Config, port: int, embedded: bool) -> tuple[LocalChain, Client, bool]:
    """The chain that runs, or a new one; call it with ``sole_use``."""
    from chainrep.chain.client import connect
    from chainrep.chain.devnet import find_anvil
    from chainrep.chain.local_chain import find_local_chain, start_local_chain

    found = find_local_chain(config.devnet)
    if found is not None and found.running:
        try:
            return found, connect(found.url), False
        except ChainError as error:
            raise ConfigError(
                f"The local chain runs, but does not answer at {found.url}.",
                "`chainrep devnet stop`, then start it again.",
            ) from error
    require_free(port)
    anvil = None if embedded else find_anvil(Path("contracts"))
    chain, client = start_local_chain(config.devnet, port, anvil)
    return chain, client, True


def _contracts(config: Config, client: Client) -> tuple[str, bool]:
    """The ledger's address, and whether the contracts are new."""
    from chainrep.session import deploy_locally, find_deployment

    found = find_deployment(config, client)
    if found is not None:
        return found.score_ledger, False
    return deploy_locally(config, client).score_ledger, True


def _status(config: Config, chain: LocalChain | None) -> dict[str, Any]:
    from chainrep.chain.client import connect
    from chainrep.chain.local_chain import state_size
    from chainrep.session import find_deployment

    kept = {"state_bytes": state_size(config.devnet)}
    if chain is None:
        return {"state": "none", **kept}
    died = "stopped" if chain.program is None else "died"
    seen = {"state": "running" if chain.running else died, "kind": chain.kind, **kept}
    if not chain.running or chain.program is None:
        return seen
    seen |= {"url": chain.url, "pid": chain.program.pid}
    try:
        client = connect(chain.url)
    except ChainError:
        return seen | {"state": "silent"}
    deployment = find_deployment(config, client)
    return seen | {
        "chain_id": client.chain_id,
        "block": client.ask(lambda: client.w3.eth.block_number),
        "ledger": deployment.score_ledger if deployment else None,
    }


def _tidy(config: Config, found: LocalChain | None) -> bool:
    from chainrep.chain.local_chain import stop_local_chain

    return found is None or stop_local_chain(config.devnet, found)


def _forget_deployment(config: Config, chain: LocalChain) -> None:
    """Delete the address book of this chain, but not that of another one with the same id."""
    from chainrep.chain.address_book import load_deployment
    from chainrep.errors import NotDeployed

    with suppress(NotDeployed):
        load_deployment(config.deployments, chain.chain_id, chain.genesis)
        (config.deployments / f"{chain.chain_id}.json").unlink()
