"""How a node stands, gathered when Prometheus asks: parts, outbox, chain, RPC URLs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chainrep import __version__
from chainrep.chain.url_standing import UrlHealth
from chainrep.errors import StoreError
from chainrep.node.part import Doing, PartState
from chainrep.service.metrics import WEI_PER_ETHER, NodeMetrics
from chainrep.store.backlog import Backlog

BACKLOG_SECONDS = 15.0
"""The store is counted so often at most, however often it is asked for."""

_log = logging.getLogger(__name__)


class NodeCollector(Collector):
    """Turns states into metrics; what cannot be had is left out, and says so in the log.

    ``backlog`` counts the store and may raise StoreError; ``clock`` is monotonic, ``wall`` a Unix
    time. May be asked by any thread.
    """

    def __init__(
        self,
        chain_id: int,
        metrics: NodeMetrics,
        states: Callable[[], Sequence[PartState]],
        rpc_health: Callable[[], Sequence[UrlHealth]],
        backlog: Callable[[], Backlog],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._chain_id = chain_id
        self._metrics = metrics
        self._states = states
        self._rpc_health = rpc_health
        self._read = backlog
        self._clock = clock
        self._wall = wall
        self._lock = Lock()
        self._backlog: Backlog | None = None
        self._read_at: float | None = None

    def collect(self) -> Iterable[Metric]:
        """Every family of metrics that can be had now."""
        info = GaugeMetricFamily("chainrep_node_info", "Always 1.", labels=("version", "chain_id"))
        info.add_metric((__version__, str(self._chain_id)), 1)
        yield info
        yield from self._of_parts()
        yield from self._of_urls()
        yield from self._of_chain()
        yield from self._of_backlog()

    def _of_parts(self) -> Iterable[Metric]:
        states = self._states()
        up = {s.name: float(s.doing is Doing.RUNNING) for s in states}
        failures = {s.name: float(s.failures) for s in states}
        seen = {s.name: s.last_success_time for s in states if s.last_success_time is not None}
        yield _gauges("part_up", "1 while its latest step went well.", "part", up)
        yield _counters("part_failures", "Failures since this node started.", "part", failures)
        yield _gauges(
            "part_last_success_timestamp_seconds",
            "When its latest step that went well ended, in Unix time.",
            "part",
            seen,
        )

    def _of_urls(self) -> Iterable[Metric]:
        healths = self._rpc_health()
        up = {h.url: float(h.state == "ok") for h in healths}
        asked = {h.url: float(h.requests) for h in healths}
        failed = {h.url: float(h.failures) for h in healths}
        yield _gauges("rpc_up", "1 while it neither rests nor is distrusted.", "url", up)
        yield _counters("rpc_requests", "Requests since this node started.", "url", asked)
        yield _counters("rpc_failures", "Those of them without an answer.", "url", failed)

    def _of_chain(self) -> Iterable[Metric]:
        indexed, balance = self._metrics.indexed, self._metrics.balance
        if indexed is not None:
            yield _gauge("indexed_block", "The last block in the index.", indexed.block)
            yield _gauge("chain_head_block", "The newest block, when last asked.", indexed.target)
            lag = max(0, indexed.target - indexed.block)
            yield _gauge("index_lag_blocks", "Blocks that are not in the index yet.", lag)
        if balance is not None:
            ether = balance / WEI_PER_ETHER
            yield _gauge("sender_balance_ether", "What the sender has, in ether.", ether)

    def _of_backlog(self) -> Iterable[Metric]:
        backlog = self._fresh_backlog()
        yield _gauge("store_readable", "1 while the store can be counted.", backlog is not None)
        if backlog is None:
            return
        counts = {
            "pending": backlog.pending,
            "in_flight": backlog.in_flight,
            "applied": backlog.applied,
            "refused": backlog.refused,
        }
        known = {state: float(count) for state, count in counts.items() if count is not None}
        yield _gauges(
            "outbox_records",
            "Feedback by state; without applied or refused where counting takes too long.",
            "state",
            known,
        )
        yield _gauge("open_batches", "Batches that are not confirmed.", backlog.open_batches)
        oldest, now = backlog.oldest_pending, self._wall()
        age = 0.0 if oldest is None else max(0.0, now - oldest)
        yield _gauge("oldest_pending_age_seconds", "Age of what has waited longest.", age)

    def _fresh_backlog(self) -> Backlog | None:
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= BACKLOG_SECONDS:
                try:
                    self._backlog = self._read()
                except StoreError as error:
                    _log.warning("%s", error, extra={"part": "metrics"})
                    self._backlog = None
                self._read_at = self._clock()
            return self._backlog


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chainrep_{name}", meaning, float(value))


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"chainrep_{name}", meaning, labels=[label])
    for stated, value in values.items():
        family.add_metric([stated], value)
    return family


def _counters(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"chainrep_{name}", meaning, labels=[label])
    for stated, value in values.items():
        family.add_metric([stated], value)
    return family
