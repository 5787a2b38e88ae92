"""A node at work: relayer, indexer, epochs under a supervisor, and what it answers over HTTP."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from chainrep.errors import ChainError, ChainrepError, ConfigError, StoreError
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.indexer import Indexer
from chainrep.node.part import OpenPart, Part
from chainrep.node.supervisor import STOP_SECONDS, Supervisor
from chainrep.service.evidence import evidence_routes
from chainrep.service.health import UNWELL_SECONDS, health_route
from chainrep.service.metrics import NodeMetrics, metrics_route
from chainrep.service.node_collector import NodeCollector
from chainrep.service.server import HttpServer
from chainrep.session import Session
from chainrep.store.backlog import read_backlog
from chainrep.store.db import open_store
from chainrep.store.evidence import EvidenceStore

if TYPE_CHECKING:
    from chainrep.node.epochs import EpochKeeper, EpochPolicy

RELAYER, INDEXER, EPOCHS = "relayer", "indexer", "epochs"
BALANCE_SECONDS = 60.0
_WATCH_SECONDS = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """Who pays and who signs, as of `Session.relayer`, and when to send."""

    sender_key: bytes = field(repr=False)
    members: Mapping[str, str]
    confirmations: int | None
    policy: FlushPolicy


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """What is to be done about epochs, who pays and who settles; without a key nothing is sent."""

    policy: EpochPolicy
    private_key: bytes | None = field(default=None, repr=False)
    confirmations: int | None = None
    members: Mapping[str, str] = field(default_factory=dict)


def run_node(
    session: Session,
    plan: RelayPlan | None,
    host: str,
    port: int,
    unwell_seconds: float = UNWELL_SECONDS,
    epochs: EpochPlan | None = None,
) -> None:
    """Index, relay and look after epochs if there are plans, and serve, until SIGINT or SIGTERM.

    Every part then ends its step; a second signal ends the program at once. Raises ConfigError
    when the port cannot be had, and ChainrepError when a part broke down.
    """
    metrics = NodeMetrics()
    parts = [index_part(session, metrics)]
    if plan is not None:
        parts.append(relay_part(session, plan, metrics))
    if epochs is not None:
        parts.append(epoch_part(session, epochs, metrics))
    supervisor = Supervisor(parts)
    app = node_app(session, metrics, supervisor, unwell_seconds, epochs is not None)
    server = HttpServer(app, port, host)
    signals = _watch_signals()
    with server:
        _log.info(
            "node answers",
            extra={"url": server.url, "ledger": session.deployment.ledger_id, "pid": os.getpid()},
        )
        supervisor.start()
        while not signals and supervisor.broken is None and server.alive:
            time.sleep(_WATCH_SECONDS)
        served = server.alive
        _log.info("node stops: every part ends its step; a second signal stops at once")
        stuck = supervisor.stop()
    if stuck:
        _log.critical(
            "node gives up waiting for a part", extra={"seconds": STOP_SECONDS, "stuck": stuck}
        )
        sys.stderr.flush()
        os._exit(1)  # it may hang for ever; every durable step is one that can be gone on from
    if supervisor.broken is not None:
        raise ChainrepError(
            f"The node broke down ({type(supervisor.broken).__name__}); the log above has the"
            " traceback.",
            "Please report it. Nothing is lost: it can be started again.",
        )
    if not served:
        raise ConfigError("The HTTP server broke down.", "Start the node again.")
    _log.info("node stopped", extra=_left_open(metrics))


def node_app(
    session: Session,
    metrics: NodeMetrics,
    supervisor: Supervisor,
    unwell_seconds: float,
    with_epochs: bool = False,
) -> Starlette:
    """``/healthz``, ``/metrics``, ``/evidence/<root>``, ``/deployment``, and ``/reputation``."""
    config, deployment = session.config, session.deployment
    metrics.registry.register(
        NodeCollector(
            session.client.chain_id,
            metrics,
            supervisor.states,
            session.client.rpc_health,
            partial(read_backlog, config.store, deployment.ledger_id),
        )
    )
    routes = [
        health_route(metrics, supervisor.states, unwell_seconds),
        metrics_route(metrics.registry),
        *evidence_routes(EvidenceStore(config.evidence), deployment),
    ]
    if with_epochs:
        from chainrep.service.reputation import reputation_routes

        routes += reputation_routes(session.epoch_files())
    return Starlette(routes=routes)


def index_part(session: Session, metrics: NodeMetrics) -> Part:
    """The indexer, which follows the head; reorganisations are undone when they come."""

    def open_index() -> OpenPart:
        with _closed_on_error(open_store(session.config.store)) as db:
            indexer = Indexer(session.client, session.deployment, db)

        def step() -> bool:
            with metrics.timed(INDEXER, time.monotonic):
                progress = indexer.step()
            metrics.note_indexed(progress)
            if progress.events:
                extra = {"part": INDEXER, "block": progress.block, "events": progress.events}
                _log.info("events indexed", extra=extra)
            return progress.at_head

        return OpenPart(step, db.close)

    return Part(INDEXER, open_index)


def relay_part(session: Session, plan: RelayPlan, metrics: NodeMetrics) -> Part:
    """The relayer, which looks at its sender's balance once a minute."""
    balance_at = -BALANCE_SECONDS

    def open_relay() -> OpenPart:
        outbox = session.outbox()
        with _closed_on_error(outbox.db):
            relayer = session.relayer(
                outbox, plan.sender_key, plan.members, plan.confirmations, plan.policy
            )

        def step() -> bool:
            with metrics.timed(RELAYER, time.monotonic):
                progress = relayer.step()
            metrics.note_relayed(progress)
            for batch in progress.settled:
                extra = {"part": RELAYER, "nonce": batch.nonce, "updates": len(batch.updates)}
                if batch.receipt is not None:
                    extra |= {"gas": batch.receipt.gas_used, "block": batch.receipt.block}
                _log.info("batch confirmed", extra=extra)
            look_at_balance(relayer.carrier.address)
            return progress.at_rest

        def close() -> None:
            with closing(outbox.db):
                relayer.close()

        return OpenPart(step, close)

    def look_at_balance(address: str) -> None:
        nonlocal balance_at
        now = time.monotonic()
        if now - balance_at < BALANCE_SECONDS:
            return
        balance_at = now
        try:
            metrics.balance = session.client.balance(address)
        except ChainError as error:  # the step itself went well
            metrics.balance = None
            _log.warning("the sender's balance is not known: %s", error, extra={"part": RELAYER})

    return Part(RELAYER, open_relay)


def epoch_part(session: Session, plan: EpochPlan, metrics: NodeMetrics) -> Part:
    """The keeper of epochs, which reads the same index from a connection of its own."""

    kept: EpochKeeper | None = None

    def open_keeper() -> OpenPart:
        nonlocal kept
        with _closed_on_error(open_store(session.config.store)) as db:
            if kept is None:
                kept = session.epoch_keeper(
                    db, plan.private_key, plan.policy, plan.confirmations, plan.members
                )
            else:  # it knows which bonds are under way, and what was computed
                kept.read_from(db, session.events(db))
        keeper = kept

        def step() -> bool | ChainrepError:
            try:
                with metrics.timed(EPOCHS, time.monotonic):
                    return keeper.step().at_rest
            except StoreError:
                raise  # another connection may do better
            except ChainrepError as trouble:
                return trouble  # nothing that it knows or has computed is worth less for it

        return OpenPart(step, db.close)

    return Part(EPOCHS, open_keeper)


@contextmanager
def _closed_on_error(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Close the store again where what is to use it cannot be made."""
    with ExitStack() as stack:
        stack.callback(db.close)
        yield db
        stack.pop_all()


def _watch_signals() -> list[int]:
    """A list that the first SIGINT or SIGTERM goes into; the next one ends the program."""
    received = list[int]()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def note(number: int, _: object) -> None:
        received.append(number)
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)

    for number in numbers:
        signal.signal(number, note)
    return received


def _left_open(metrics: NodeMetrics) -> Mapping[str, object]:
    progress = metrics.relayed
    if progress is None:
        return {}
    left = {"open_batches": progress.open, "pending": progress.pending}
    return left | {"waits_for": progress.waits_for} if progress.open or progress.pending else left
