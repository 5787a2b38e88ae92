"""The composition root: from settings to a connected, deployed, ready set of parts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chainrep.chain.address_book import Deployment, load_deployment, save_deployment
from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import (
    JOB_TERMS,
    NO_FORMULA,
    JobTerms,
    RootTerms,
    deploy_contracts,
)
from chainrep.chain.devnet import DEVNET_CHAIN_IDS, DevAccount, dev_accounts
from chainrep.chain.feedback_log import FeedbackLog
from chainrep.chain.keystore import stored_key, unlock
from chainrep.chain.program import Program, program_of
from chainrep.chain.reputation_roots import ReputationRoots
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.chain.verdict_ledger import VerdictLedger
from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.config import Config
from chainrep.errors import ConfigError, InputError, NotDeployed
from chainrep.node.feedback_limits import MEMBER_LIMITS
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.job_reader import JobReader
from chainrep.node.member_call import MemberCall
from chainrep.node.quorum import KeySigner, Quorum, Signer
from chainrep.node.relayer import Relayer
from chainrep.node.remote_signer import RemoteSettler, RemoteSigner
from chainrep.store.db import open_store
from chainrep.store.events import Events
from chainrep.store.evidence import EvidenceStore
from chainrep.store.lease import Holder, Lease
from chainrep.store.outbox import Outbox

if TYPE_CHECKING:
    from chainrep.node.epoch_files import EpochFiles
    from chainrep.node.epoch_reader import EpochReader
    from chainrep.node.epochs import EpochKeeper, EpochPolicy
    from chainrep.reputation.formula import Formula

OWNER = 0
COMMITTEE = (1, 2, 3)
THRESHOLD = 2
FIRST_SOURCE_OWNER = 4
EPOCH_KEEPER = 9
MAX_AHEAD_SECONDS = 600
LOCAL_CONFIRMATIONS, CONFIRMATIONS = 1, 12
LOCAL_TERMS = RootTerms(epoch_seconds=300, window=60, settle_time=120)
LOCAL_JOBS = JobTerms(draw_time=120, seal_time=60, open_time=60, appeal_time=20, beacon_blocks=1)
"""A local chain makes blocks for transactions only: a draw there should not wait for several."""


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
            self.max_ahead,
        )

    def feedback_log(self) -> FeedbackLog:
        """The open lane; raise NotDeployed without code at its address."""
        return FeedbackLog(self.client, self.deployment)

    def verdicts(self) -> VerdictLedger:
        """The verdict ledger; raise NotDeployed where this deployment has none."""
        return VerdictLedger(self.client, self.deployment)

    def jobs(self) -> VerificationJobs:
        """Verification jobs; raise NotDeployed where this deployment has none."""
        return VerificationJobs(self.client, self.deployment)

    def job_reader(self, confirmations: int | None = None) -> JobReader:
        """What rebuilds jobs from their events; errors as of `jobs`."""
        depth = self.confirmations if confirmations is None else confirmations
        return JobReader(self.jobs(), depth)

    def roots(self) -> ReputationRoots:
        """The reputation roots; raise NotDeployed without code at their address."""
        return ReputationRoots(self.client, self.deployment)

    def formula(self, roots: ReputationRoots) -> Formula:
        """The formula that the roots are bound to.

        Raises ConfigError where the address book has none, or another one than the contract.
        """
        from chainrep.reputation.formula import formula_hash, read_formula

        if not self.deployment.formula:
            raise ConfigError(
                "The address book names no formula: this deployment was made without one, or by an"
                " earlier version.",
                "Take the address book of whoever deployed it, or `chainrep deploy --again`.",
            )
        try:
            formula = read_formula(self.deployment.formula.encode())
        except InputError as error:
            raise ConfigError(
                f"The formula in the address book cannot be read. {error.summary}",
                "Take the address book of whoever deployed it.",
            ) from error
        if formula_hash(formula) != roots.rules.formula_hash:
            raise ConfigError(
                "The formula in the address book is not the one that ReputationRoots at"
                f" {self.deployment.reputation_roots} is bound to.",
                "Take the address book of whoever deployed it.",
            )
        return formula

    def epoch_reader(
        self, db: sqlite3.Connection, roots: ReputationRoots, confirmations: int | None = None
    ) -> EpochReader:
        """What computes epochs from the index in a store; errors as of `formula`."""
        from chainrep.node.epoch_reader import EpochReader

        return EpochReader(
            db,
            self.deployment,
            roots,
            self.registry,
            self.formula(roots),
            self.confirmations if confirmations is None else confirmations,
            os.cpu_count() or 1,
        )

    def epoch_files(self) -> EpochFiles:
        """Where the trees and ratings of this deployment's epochs are kept."""
        from chainrep.node.epoch_files import EpochFiles

        deployment = self.deployment
        name = f"{deployment.chain_id}-{deployment.reputation_roots}-{deployment.genesis[2:10]}"
        return EpochFiles(self.config.epochs / name)

    def epoch_keeper(
        self,
        db: sqlite3.Connection,
        private_key: bytes | None,
        policy: EpochPolicy,
        confirmations: int | None = None,
        members: Mapping[str, str] | None = None,
    ) -> EpochKeeper:
        """What looks after the epochs, paying with this key; without one it only computes.

        ``members`` are as of `relayer`: the key asks them, as their coordinator, to settle
        challenges; without any, a local chain's published keys do. Raises ConfigError as of
        `formula` and of the keeper.
        """
        from chainrep.node.epochs import EpochKeeper
        from chainrep.node.settler import KeySettler, SettlementSigner, Settler

        roots = self.roots()
        signers: Sequence[SettlementSigner] = ()
        if members and private_key is not None:
            calls = [
                MemberCall(url, who, self.ledger.domain, private_key)
                for who, url in members.items()
            ]
            signers = [RemoteSettler(call, roots.domain) for call in calls]
        elif self.client.chain_id in DEVNET_CHAIN_IDS:
            accounts = dev_accounts(10)
            signers = [KeySettler(roots.domain, accounts[i].private_key) for i in COMMITTEE]
        reader = self.epoch_reader(db, roots, confirmations)
        settler = Settler(roots, signers)
        return EpochKeeper(
            roots,
            reader,
            self.epoch_files(),
            settler,
            private_key,
            policy,
            self.events(db),
            self.max_ahead,
        )

    def events(self, db: sqlite3.Connection) -> Events:
        """The contracts' events in a store, as the indexer copied them."""
        return Events(db, self.deployment.ledger_id)

    @property
    def max_ahead(self) -> int | None:
        """How many seconds the chain may be ahead of this machine; None on a local one."""
        return None if self.client.chain_id in DEVNET_CHAIN_IDS else MAX_AHEAD_SECONDS

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
    config: Config,
    client: Client,
    private_key: bytes,
    committee: Committee,
    archive: bool = False,
    seeds: Sequence[str] = (),
    terms: RootTerms = NO_FORMULA,
    job_terms: JobTerms = JOB_TERMS,
) -> Deployment:
    """Deploy the contracts and note their addresses; errors as of ``deploy_contracts``.

    Reputation starts from the ``seeds``' addresses, by default the committee's; ``terms`` get the
    formula that follows from them; ``job_terms`` are for verification jobs.
    """
    from chainrep.reputation.formula import Formula, write_formula

    members, threshold = committee.members, committee.threshold
    ascending = tuple(sorted({address.lower() for address in seeds or members}))
    formula = write_formula(Formula(ascending)).decode()
    bound = replace(terms, formula=formula)
    deployment = deploy_contracts(
        client, private_key, members, threshold, archive, bound, job_terms
    )
    save_deployment(config.deployments, deployment)
    return deployment


def deploy_locally(config: Config, client: Client) -> Deployment:
    """Deploy on a local test chain: published accounts, and epochs short enough to watch one end.

    Reputation starts from the account that signs by default and from the committee.
    """
    key = signing_accounts(client)[OWNER]
    committee = published_committee(client)
    seeds = [key.address, *committee.members]
    return deploy_new(
        config,
        client,
        key.private_key,
        committee,
        seeds=seeds,
        terms=LOCAL_TERMS,
        job_terms=LOCAL_JOBS,
    )


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
