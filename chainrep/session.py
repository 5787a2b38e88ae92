"""The composition root: from settings to a connected, deployed, ready set of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrep.chain.address_book import Deployment, load_deployment
from chainrep.chain.client import Client, connect
from chainrep.chain.devnet import DEVNET_CHAIN_IDS, DevAccount, dev_accounts
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.config import Config
from chainrep.errors import ConfigError
from chainrep.node.relayer import Relayer
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox

OWNER = 0
COMMITTEE = (1, 2, 3)
THRESHOLD = 2
FIRST_SOURCE_OWNER = 4


@dataclass(frozen=True, slots=True)
class Session:
    """A chain with our contracts on it."""

    config: Config
    client: Client
    deployment: Deployment
    registry: SourceRegistry
    ledger: ScoreLedger

    def outbox(self) -> Outbox:
        """The durable queue of feedback for this ledger."""
        return Outbox(open_store(self.config.store), self.deployment.ledger_id)

    def relayer(self, outbox: Outbox) -> Relayer:
        """What carries the outbox onto the chain, with the local chain's published keys."""
        keys = [account.private_key for account in signing_accounts(self.client)]
        committee = [keys[i] for i in COMMITTEE]
        return Relayer(self.client, self.registry, self.ledger, outbox, committee, keys[OWNER])


def open_session(config: Config) -> Session:
    """Connect and find the contracts; raises ChainError where something is not as expected."""
    client = connect(config.urls, config.chain_id)
    deployment = load_deployment(config.deployments, client.chain_id, client.genesis)
    return bind_session(config, client, deployment)


def bind_session(config: Config, client: Client, deployment: Deployment) -> Session:
    """Put a connection and a deployment together; raises NotDeployed without code there."""
    registry = SourceRegistry(client, deployment)
    return Session(config, client, deployment, registry, ScoreLedger(client, deployment))


def signing_accounts(client: Client) -> Sequence[DevAccount]:
    """The published accounts; raises ConfigError on a chain where they would be worthless."""
    if client.chain_id not in DEVNET_CHAIN_IDS:
        raise ConfigError(
            f"Chain {client.chain_id} is no local test chain, and only the published accounts of"
            " a local one can sign in this version.",
            "Start a local chain with `chainrep devnet`.",
        )
    return dev_accounts(10)
