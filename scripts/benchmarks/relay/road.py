"""The whole road on anvil: feedback → batches → ledger → index → score view."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrep.chain.client import Client
from chainrep.config import Config
from chainrep.node.indexer import Indexer
from chainrep.session import Session, bind_session, deploy_new, published_committee
from chainrep.store.chain_index import index_digest
from chainrep.store.db import open_store
from chainrep.store.score_view import ScoreView
from scripts.benchmarks.gas.chain import OWNER, SOURCE_OWNER
from scripts.benchmarks.relay.outbox import GROUP, judgements

READS = 20_000
INDEXED_BATCHES = 100
"""Mined beside the road, so that the index has something to copy."""


def road_figures(
    client: Client, home: Path, sources: int, feedback: int, tick: Callable[[], object]
) -> dict[str, Any]:
    """Rates from `put_many` to mined, and from a mined chain into a fresh index.

    ``lost`` and ``duplicated`` compare the judgements asked for with those on the ledger.
    """
    config = Config(home, None, None)
    committee = published_committee(client)
    deployment = deploy_new(config, client, OWNER.private_key, committee)
    session = bind_session(config, client, deployment)
    for i in range(sources):
        session.registry.register(f"https://source{i}.example", SOURCE_OWNER.private_key)
        tick()
    outbox = session.outbox()
    rows = judgements(feedback, sources, "road")
    started = time.perf_counter()
    for i in range(0, feedback, GROUP):
        outbox.put_many(rows[i : i + GROUP])
    batches = 0
    for _ in session.relayer(outbox).flush():
        batches += 1
        tick()
    taken = time.perf_counter() - started
    for i in range(INDEXED_BATCHES):
        outbox.put_many(judgements(sources, sources, f"more/{i}"))
        list(session.relayer(outbox).flush())
        tick()
    given = feedback + INDEXED_BATCHES * sources
    asked = sum(s.asked for s in session.ledger.scores(range(1, sources + 1))) // 100
    return {
        "feedback_per_s": round(feedback / taken),
        "batches": batches,
        "lost": max(0, given - asked),
        "duplicated": max(0, asked - given),
    } | _index_figures(session, (batches + INDEXED_BATCHES) * sources, tick)


def _index_figures(session: Session, updates: int, tick: Callable[[], object]) -> dict[str, Any]:
    rates, digests, ledger_id = [], set(), session.deployment.ledger_id
    for run in range(3):
        db = open_store(session.config.home / f"index{run}.sqlite")
        started = time.perf_counter()
        Indexer(session.client, session.deployment, db).catch_up()
        rates.append(updates / (time.perf_counter() - started))
        digests.add(index_digest(db, ledger_id))
        tick()
    view = ScoreView(session.config.home / "index0.sqlite", ledger_id)
    known = list(view.standings())
    reads = []
    for i in range(READS):
        started = time.perf_counter()
        view.standing(known[i % len(known)])
        reads.append(time.perf_counter() - started)
    view.close()
    return {
        "index_events_per_s": round(statistics.median(rates)),
        "rebuild_equal": len(digests) == 1,
        "score_view_read_us": round(1e6 * statistics.median(reads), 1),
        "score_view_read_p99_us": round(1e6 * statistics.quantiles(reads, n=100)[98], 1),
    }
