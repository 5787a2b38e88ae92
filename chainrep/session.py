"""The composition root: from settings to a connected, deployed, ready set of parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chainrep.chain.address_book import Deployment, load_deployment, save_deployment
from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import DEVNET_CHAIN_IDS, DevAccount, dev_accounts
from chainrep.chain.keystore import stored_key, unlock
from chainrep.chain.program import Program, program_of
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.config import Config
from chainrep.errors import ConfigError, NotDeployed
from chainrep.node.feedback_limits import MEMBER_LIMITS
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.quorum import KeySigner, Quorum, Signer
from chainrep.node.relayer import Relayer
from chainrep.node.remote_signer import RemoteSigner
from chainrep.store.db import open_store
from chainrep.store.evidence import EvidenceStore
from chainrep.store.lease import Holder, Lease
from chainrep.store.outbox import Outbox

OWNER = 0
COMMITTEE = (1, 2, 3)
THRESHOLD = 2
FIRST_SOURCE_OWNER = 4
MAX_AHEAD_SECONDS = 600
LOCAL_CONFIRMATIONS, CONFIRMATIONS = 1, 12


@dataclass(frozen=True, slots=True)
class Committee:
    """The addresses of the reporters, and how many of them must sign."""

    members: Sequence[str]
    threshold: int


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

    def relayer(
        self,
        outbox: Outbox,
        sender_key: bytes | None = None,
        members: Mapping[str, str] | None = None,
        confirmations: int | None = None,
        policy: FlushPolicy | None = None,
    ) -> Relayer:
        """What carries the outbox onto the chain.

        ``members`` are the URLs of committee members by their addresses; the sender asks them as
        their coordinator. Without any, and without a sender, a local chain's published keys sign
        and pay; raises ConfigError on another chain.
        """
        domain = self.ledger.domain
        key = sender_key or signing_accounts(self.client)[OWNER].private_key
        signers: Sequence[Signer]
        if members:
            signers = [RemoteSigner(url, who, domain, key) for who, url in members.items()]
        else:
            accounts = signing_accounts(self.client)
            signers = [KeySigner(domain, accounts[i].private_key) for i in COMMITTEE]
        return Relayer(
            self.client,
            self.registry,
            self.ledger,
            outbox,
            EvidenceStore(self.config.evidence),
            Quorum(domain, signers),
            key,
            _lease(outbox),
            policy,
            self.confirmations if confirmations is None else confirmations,
            MEMBER_LIMITS if members else None,
            None if self.client.chain_id in DEVNET_CHAIN_IDS else MAX_AHEAD_SECONDS,
        )

    @property
    def confirmations(self) -> int:
        """How deep a block has to be, its own included, unless the operator says otherwise."""
        local = self.client.chain_id in DEVNET_CHAIN_IDS
        return LOCAL_CONFIRMATIONS if local else CONFIRMATIONS


def open_session(config: Config) -> Session:
    """Connect and find the contracts; raises ChainError where something is not as expected."""
    client = connect(config.urls, config.chain_id)
    deployment = load_deployment(config.deployments, client.chain_id, client.genesis)
    return bind_session(config, client, deployment)


def bind_session(config: Config, client: Client, deployment: Deployment) -> Session:
    """Put a connection and a deployment together; raises NotDeployed without code there."""
    registry = SourceRegistry(client, deployment)
    return Session(config, client, deployment, registry, ScoreLedger(client, deployment))


def find_deployment(config: Config, client: Client) -> Deployment | None:
    """The deployment on this chain, or None where its contracts are not there."""
    try:
        deployment = load_deployment(config.deployments, client.chain_id, client.genesis)
        return bind_session(config, client, deployment).deployment
    except NotDeployed:
        return None


def deploy_new(
    config: Config, client: Client, private_key: bytes, committee: Committee, archive: bool = False
) -> Deployment:
    """Deploy the contracts and note their addresses; errors as of ``deploy_contracts``."""
    members, threshold = committee.members, committee.threshold
    deployment = deploy_contracts(client, private_key, members, threshold, archive)
    save_deployment(config.deployments, deployment)
    return deployment


def published_committee(client: Client) -> Committee:
    """2 of 3 published accounts; raises ConfigError on a chain where they would be worthless."""
    accounts = signing_accounts(client)
    return Committee([accounts[i].address for i in COMMITTEE], THRESHOLD)


def sender_key(
    config: Config, client: Client, read_passphrase: Callable[[str], str], published: int = OWNER
) -> bytes:
    """The private key that signs and pays: ``config.key``'s, else a published one (by its number).

    ``read_passphrase`` is asked with the key's name. Raises KeystoreError where the key does not
    open, and ConfigError where none is named and the chain is no local test chain.
    """
    if config.key:
        stored_key(config.keys, config.key)  # so that nobody is asked for a key that is not there
        return unlock(config.keys, config.key, read_passphrase(config.key))
    return signing_accounts(client)[published].private_key


def sender_address(config: Config, client: Client) -> str:
    """Whose key ``sender_key`` would take, without opening it; the same errors."""
    if config.key:
        return stored_key(config.keys, config.key).address
    return signing_accounts(client)[OWNER].address


def signing_accounts(client: Client) -> Sequence[DevAccount]:
    """The published accounts; raises ConfigError on a chain where they would be worthless."""
    if client.chain_id not in DEVNET_CHAIN_IDS:
        raise ConfigError(
            f"Chain {client.chain_id} is no local test chain, and no key was named to sign with.",
            "Make one with `chainrep keys new NAME`, then pass --key NAME (or start a local chain"
            " with `chainrep devnet start`).",
        )
    return dev_accounts(10)


def _lease(outbox: Outbox) -> Lease:
    """A lease in the name of this program, which ends when the program does."""
    ours = program_of(os.getpid())
    if ours is None:
        raise ConfigError("This system does not say when a program began.", "Mount /proc.")
    return Lease(
        outbox.db,
        outbox.ledger,
        Holder(ours.pid, ours.began),
        lambda holder: Program(holder.pid, holder.began).alive,
    )
