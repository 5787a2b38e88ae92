"""What it costs to put feedback into the outbox durably, beside one fsync on the same disk."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox

GROUP = 100
_BLOCK = bytes(4096)


def judgements(count: int, sources: int, run: str) -> Sequence[tuple[Feedback, bytes]]:
    """Judgements spread evenly over the sources, with the salts of their queries."""
    now = int(time.time())
    return [
        (
            Feedback(
                key=f"{run}/{i}",
                source=i % sources + 1,
                kind=FeedbackKind.GOLD,
                query_digest=os.urandom(32),
                supported=100 * (i % 3 > 0),
                contradicted=100 * (i % 3 == 0),
                used=0,
                asked=100,
                time=now,
            ),
            os.urandom(32),
        )
        for i in range(count)
    ]


def outbox_figures(folder: Path, singles: int, many: int) -> dict[str, Any]:
    """Single puts in turn with fsyncs of one block, then groups; times in milliseconds."""
    outbox = Outbox(open_store(folder / "outbox.sqlite"), "bench")
    puts, syncs = [], []
    with (folder / "synced").open("ab", buffering=0) as file:
        for feedback, salt in judgements(singles, 600, "single"):
            puts.append(_seconds(lambda f=feedback, s=salt: outbox.put(f, s)))  # type: ignore[misc]

            def sync() -> None:
                file.write(_BLOCK)
                os.fsync(file.fileno())

            syncs.append(_seconds(sync))
    rows = judgements(many, 600, "many")
    started = time.perf_counter()
    for i in range(0, many, GROUP):
        outbox.put_many(rows[i : i + GROUP])
    taken = time.perf_counter() - started
    return {
        "outbox_put_p50_ms": round(1e3 * statistics.median(puts), 3),
        "outbox_put_p99_ms": round(1e3 * _p99(puts), 3),
        "fsync_p99_ms": round(1e3 * _p99(syncs), 3),
        "outbox_put_vs_fsync": round(_p99(puts) / _p99(syncs), 3),
        "outbox_put_many_per_s": round(many / taken),
    }


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]
