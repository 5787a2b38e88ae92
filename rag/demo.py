"""What ``chainrep demo`` runs: the experiment of ``rag.experiment`` on a real chain."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from chainrep.chain.address_book import Deployment, load_deployment, save_deployment
from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.errors import ChainrepError, NotDeployed
from chainrep.node.relayer import AppliedBatch
from chainrep.session import (
    COMMITTEE,
    FIRST_SOURCE_OWNER,
    OWNER,
    THRESHOLD,
    Session,
    bind_session,
    signing_accounts,
)
from chainrep.store.outbox import Outbox
from rag.dataset import Dataset
from rag.experiment import Experiment, Summary, build_world
from rag.ports import Encoder, Reader
from rag.reputation import ChainScores, OutboxSink
from rag.scoring.metrics import spearman

QUESTIONS_PER_BATCH = 10


class DemoStopped(ChainrepError):
    """The demo was stopped by its user; what was judged is in the outbox."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A chain with the contracts on it, an outbox, and newly registered sources."""

    run: str
    session: Session
    outbox: Outbox
    sources: Sequence[int]


@dataclass(frozen=True, slots=True)
class DemoSource:
    """One source at the end: the truth beside what the chain says, and what that cost.

    ``gas`` is the source's share of its batches, each divided evenly among its updates.
    ``history`` holds the reliability before the first batch and after each one.
    """

    id: int
    pollution: float
    reliability: float
    evidence: float
    transactions: int
    gas: int
    history: Sequence[float]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a run found; ``gas`` is that of the batches alone, ``seconds`` covers everything."""

    dataset: str
    questions: int
    seed: int
    chain_id: int
    rho: float
    accuracy: dict[str, float]
    f1: dict[str, float]
    sources: Sequence[DemoSource]
    transactions: int
    gas: dict[str, float]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        return asdict(self)


@contextmanager
def open_stage(config: Config, count: int) -> Iterator[Stage]:
    """Make everything ready for ``count`` sources, and clear up after a finished run.

    Where no RPC URL is named the chain is a fresh embedded one, and its outbox, which means nothing
    without it, goes when the run has succeeded. With one both are the user's own and stay.
    """
    run = secrets.token_hex(4)
    embedded = config.rpc is None
    if embedded:
        client = Client(EmbeddedProvider(embedded_chain()), "the embedded chain")
        config = replace(config, home=config.home / "demo" / run)
        session = bind_session(config, client, _deploy(client))
    else:
        session = _session_on(connect(config.urls, config.chain_id), config)
    accounts = signing_accounts(session.client)[FIRST_SOURCE_OWNER:]
    keys = [accounts[i % len(accounts)].private_key for i in range(count)]
    sources = [session.registry.register(f"demo://{run}/{i}", key)[0] for i, key in enumerate(keys)]
    outbox = session.outbox()
    try:
        yield Stage(run, session, outbox, sources)
    except KeyboardInterrupt:
        waiting = outbox.count()
        raise DemoStopped(
            f"Stopped; {waiting.pending + waiting.in_flight} judgements wait and"
            f" {waiting.applied} are on the chain, all kept in {config.store}."
        ) from None
    outbox.db.close()
    if embedded:
        shutil.rmtree(config.home)


class Demo:
    """One run on a stage. Iterate to run it, a step per question; then ask for the result."""

    def __init__(
        self,
        stage: Stage,
        dataset: Dataset,
        rates: Sequence[float],
        seed: int,
        questions: int,
        encoder: Encoder,
        reader: Reader,
    ) -> None:
        self.stage = stage
        self._started = time.monotonic()
        self._dataset = dataset.name
        self._seed = seed
        self._relayer = stage.session.relayer(stage.outbox)
        self._scores = ChainScores.of(stage.session, stage.sources)
        self._world = build_world(dataset, rates, seed, stage.sources, questions)
        sink = OutboxSink(stage.outbox)
        self._experiment = Experiment(
            self._world, encoder, reader, self._scores, sink, run=stage.run
        )
        self._batches: list[AppliedBatch] = []
        self._history: dict[int, list[float]] = {source: [] for source in stage.sources}
        self._remember()

    @property
    def total(self) -> int:
        """How many questions will be asked."""
        return len(self._world.questions)

    def __iter__(self) -> Iterator[int]:
        """Ask, judge, and send a batch every ten questions; yield the number of answers."""
        for step in self._experiment:
            if step.number % QUESTIONS_PER_BATCH == 0 or step.number == self.total:
                self._batches += self._relayer.flush()
                self._scores.refresh()
                self._remember()
            yield step.number

    def result(self) -> DemoResult:
        """What the run found, reliabilities as the chain has them now."""
        summary: Summary = self._experiment.summary
        sources = [self._source(source, summary.pollution[source]) for source in self._history]
        gas = sum(batch.receipt.gas_used for batch in self._batches if batch.receipt)
        updates = sum(len(batch.updates) for batch in self._batches)
        return DemoResult(
            dataset=self._dataset,
            questions=summary.questions,
            seed=self._seed,
            chain_id=self.stage.session.client.chain_id,
            rho=spearman([s.pollution for s in sources], [s.reliability for s in sources]),
            accuracy=dict(summary.accuracy),
            f1=dict(summary.f1),
            sources=sorted(sources, key=lambda source: source.pollution),
            transactions=len(self._batches),
            gas={"total": gas, "per_update": gas / max(updates, 1)},
            seconds=round(time.monotonic() - self._started, 1),
        )

    def _remember(self) -> None:
        for source, reliability in self._scores.reliabilities().items():
            self._history[source].append(reliability.mean)

    def _source(self, source: int, pollution: float) -> DemoSource:
        known = self._scores.reliabilities()[source]
        touching = [b for b in self._batches if any(u.source == source for u in b.updates)]
        shares = [b.receipt.gas_used // len(b.updates) for b in touching if b.receipt]
        return DemoSource(
            id=source,
            pollution=pollution,
            reliability=known.mean,
            evidence=known.evidence,
            transactions=len(touching),
            gas=sum(shares),
            history=self._history[source],
        )


def _deploy(client: Client) -> Deployment:
    accounts = signing_accounts(client)
    members = [accounts[i].address for i in COMMITTEE]
    return deploy_contracts(client, accounts[OWNER].private_key, members, THRESHOLD)


def _session_on(client: Client, config: Config) -> Session:
    try:
        deployment = load_deployment(config.deployments, client.chain_id, client.genesis)
        return bind_session(config, client, deployment)
    except NotDeployed:
        deployment = _deploy(client)
        save_deployment(config.deployments, deployment)
        return bind_session(config, client, deployment)
