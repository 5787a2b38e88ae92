"""What a node notes of its work, and ``GET /metrics`` in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chainrep.node.indexer import IndexProgress
from chainrep.node.relayer import RelayProgress

WEI_PER_ETHER = 10**18
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class NodeMetrics:
    """Counters since the start of this program, and what the latest steps came to.

    ``relayed``, ``indexed`` and ``balance`` (of the sender, in wei) are None until they are known.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.relayed: RelayProgress | None = None
        self.indexed: IndexProgress | None = None
        self.balance: int | None = None
        ProcessCollector(registry=self.registry)
        self._batches = self._counter("batches_settled", "Batches confirmed")
        self._updates = self._counter("updates_settled", "Updates in batches confirmed")
        self._gas = self._counter("gas_used", "Gas of our transactions in batches confirmed")
        self._fees = self._counter("fees_paid_ether", "Ether paid for batches confirmed")
        self._events = self._counter("events_indexed", "Events read from the chain")
        self._steps = Histogram(
            "chainrep_step_seconds",
            "How long a step of a part took that did not fail.",
            ["part"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def note_relayed(self, progress: RelayProgress) -> None:
        """Count what the relayer settled in a step."""
        self.relayed = progress
        for batch in progress.settled:
            self._batches.inc()
            self._updates.inc(len(batch.updates))
            if batch.receipt is not None:
                self._gas.inc(batch.receipt.gas_used)
                self._fees.inc(batch.receipt.fee / WEI_PER_ETHER)

    def note_indexed(self, progress: IndexProgress) -> None:
        """Count what the indexer read in a step."""
        self.indexed = progress
        self._events.inc(progress.events)

    @contextmanager
    def timed(self, part: str, clock: Callable[[], float]) -> Iterator[None]:
        """Measure a step, unless it fails."""
        began = clock()
        yield
        self._steps.labels(part).observe(clock() - began)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(
            f"chainrep_{name}", f"{meaning} since this node started.", registry=self.registry
        )


def metrics_route(registry: CollectorRegistry) -> Route:
    """``GET /metrics`` of everything that is registered."""

    def metrics(request: Request) -> Response:  # not async: starlette runs it on a thread
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(
            encode(registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"}
        )

    return Route("/metrics", metrics)
