"""What a batch costs the relayer, and a record in it: time, requests, bytes in the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chainrep.chain.client import Client
from chainrep.config import Config
from chainrep.node.indexer import Indexer
from chainrep.node.relayer import AppliedBatch
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.session import Session, bind_session, deploy_new, published_committee
from chainrep.store.db import open_store
from scripts.benchmarks.gas.chain import OWNER
from scripts.benchmarks.gas.ledger import register_sources
from scripts.benchmarks.relay.outbox import GROUP, judgements
from scripts.benchmarks.scale.kept import size

SMALL, LARGE = 600, MAX_RECORDS
"""Records in the two kinds of batch that are timed, both with 600 updates."""
TIMED = 5
LARGE_TIMED = 2


class CountingProvider(BaseProvider):
    """Another provider, whose requests are counted by method."""

    def __init__(self, inner: BaseProvider) -> None:
        super().__init__()
        self.inner = inner
        self.asked: Counter[str] = Counter()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Count it and pass it on."""
        self.asked[method] += 1
        return self.inner.make_request(method, params)


def relayer(client: Client, home: Path, tick: Callable[[], object]) -> dict[str, float]:
    """Seconds of a batch and of a record in it, requests of a batch, bytes kept of both.

    First batches of 600 records, then of 20,000, both with 600 updates: the line through both tells
    what a batch costs and what a record does. The chain's own work is part of it.
    """
    provider = CountingProvider(client.w3.provider)
    counted = Client(provider, client.label)
    config = Config(home, None, None)
    deployment = deploy_new(config, counted, OWNER.private_key, published_committee(counted))
    session = bind_session(config, counted, deployment)
    register_sources(counted, session.registry.contract, SMALL, tick)
    small: list[float] = []
    asked: list[int] = []
    for run in range(TIMED):
        _put(session, SMALL, SMALL, f"small/{run}")
        before = provider.asked.total()
        small += _timed(session.relayer(session.outbox()).flush())
        asked.append(provider.asked.total() - before)
        tick()
    _put(session, LARGE_TIMED * LARGE, SMALL, "large")
    large = list(_timed(session.relayer(session.outbox()).flush()))
    kept = size(config.store) / (TIMED * SMALL + LARGE_TIMED * LARGE)
    index = home / "index.sqlite"
    open_store(index).close()
    empty = size(index)
    Indexer(counted, deployment, open_store(index)).catch_up()
    tick()
    record = (median(large) - median(small)) / (LARGE - SMALL)
    return {
        "batch_seconds": median(small) - SMALL * record,
        "record_seconds": record,
        "rpc_requests": median(asked),
        "store_bytes": kept,
        "index_bytes": (size(index) - empty) / ((len(small) + len(large)) * SMALL),
    }


def _put(session: Session, count: int, sources: int, run: str) -> None:
    outbox, rows = session.outbox(), judgements(count, sources, run)
    for i in range(0, count, GROUP):
        outbox.put_many(rows[i : i + GROUP])


def _timed(batches: Iterator[AppliedBatch]) -> Iterator[float]:
    """Seconds until each next batch was on the chain."""
    started = time.perf_counter()
    for _ in batches:
        yield time.perf_counter() - started
        started = time.perf_counter()
