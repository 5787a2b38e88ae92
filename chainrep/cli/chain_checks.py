"""What ``chainrep doctor`` asks the chain; each check says what it saw, or raises."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chainrep.config import Config
from chainrep.errors import ChainError, ConfigError, NotDeployed, WrongChain

if TYPE_CHECKING:
    from chainrep.chain.client import Client

MAX_SKEW_SECONDS = 30
FULL_BATCH_GAS = 3_500_000
"""A batch of 600 sources, by contracts/gas.json: (apply 100 - apply 10) / 90 · 600, rounded up."""
FEW_BATCHES = 10


def clock(config: Config, client: Client) -> str:  # noqa: ARG001 (every check takes the settings)
    """This machine's clock agrees with the latest block's time."""
    from chainrep.chain.devnet import DEVNET_CHAIN_IDS

    local = client.chain_id in DEVNET_CHAIN_IDS
    age = int(time.time()) - client.now()
    if age < -MAX_SKEW_SECONDS:
        also = " (a local chain also runs ahead when it mines many blocks in a second)"
        raise ConfigError(
            f"The latest block is {-age} s in the future.",
            f"Set this machine's clock{also if local else ''}.",
        )
    if age > MAX_SKEW_SECONDS and not local:
        raise ChainError(
            f"The latest block is {age} s old.",
            "Set this machine's clock; if it is right, the node behind --rpc is behind.",
        )
    return f"latest block {age} s ago" + (" (mined on demand)" if local else "")


def deployment(config: Config, client: Client) -> str:
    """The address book is of this very chain, and our own code is at its addresses."""
    from chainrep.chain.address_book import load_deployment
    from chainrep.chain.deployed_code import is_our_code
    from chainrep.session import bind_session

    known = sorted(path.stem for path in config.deployments.glob("*.json"))
    if known and str(client.chain_id) not in known:
        raise WrongChain(
            f"The contracts are known on chain {', '.join(known)}, but {client.chain_id} answers.",
            "Check --rpc, or run `chainrep deploy` to put them on this chain too.",
        )
    found = load_deployment(config.deployments, client.chain_id, client.genesis)
    session = bind_session(config, client, found)
    for name, address in found.contracts.items():
        if not is_our_code(client, name, address):
            raise NotDeployed(
                f"The {name} at {address} is not the one of this chainrep.",
                "Use the version that deployed it, or `chainrep deploy --again`.",
            )
    return f"ledger {found.score_ledger}, {session.registry.count()} sources"


def account(config: Config, client: Client) -> str:
    """There is a key to sign with, and it can pay for more than a few batches."""
    from chainrep.session import sender_address

    sender = sender_address(config, client)
    wei = client.balance(sender)
    price = int(client.ask(lambda: client.w3.eth.gas_price))
    batches = wei // (FULL_BATCH_GAS * max(price, 1))
    seen = f"{sender} has {wei / 10**18:,.6f} ETH"
    if batches < FEW_BATCHES:
        paid = "nothing to pay gas with" if wei == 0 else f"enough for {batches} full batches"
        raise ConfigError(
            f"{seen}: {paid} at {price / 1e9:,.3g} gwei.",
            f"Send it at least {FEW_BATCHES * FULL_BATCH_GAS * price / 10**18:,.3g} ETH.",
        )
    return f"{seen}: {batches:,} full batches at {price / 1e9:,.3g} gwei"


CHAIN_CHECKS: Mapping[str, Callable[[Config, Client], str]] = {
    "clock": clock,
    "deployment": deployment,
    "account": account,
}
