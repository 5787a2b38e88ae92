"""Summing feedback into one batch: pure functions, no clock, no store, no chain."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chainrep.errors import BatchTooLarge
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import MAX_DELTA, Feedback, ScoreUpdate

SAFE_UPDATES = 600
"""Updates that fit into the 2^24 gas of one transaction (EIP-7825) though every source be new."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Updates with ids ascending, and the feedback records they are the sums of."""

    updates: Sequence[ScoreUpdate]
    records: Sequence[Feedback]


def next_batch(
    records: Sequence[Feedback], max_updates: int, sources: Collection[int] | None = None
) -> Batch:
    """Take what fits of the records, in their order; with ``sources``, of these alone.

    A batch holds at most ``max_updates`` sources and 20,000 records, and per source and counter at
    most 65,535 hundredths of a unit. The first record that would pass that closes its source, so
    that what is left of it stays in order. Raises BatchTooLarge when ``max_updates`` is not
    positive.
    """
    if max_updates < 1:
        raise BatchTooLarge("A batch must be allowed at least one update.")
    sums: dict[int, tuple[int, int, int, int]] = {}
    closed: set[int] = set()
    taken: list[Feedback] = []
    for record in records:
        if len(taken) == MAX_RECORDS:
            break
        source = record.source
        if source in closed or (sources is not None and source not in sources):
            continue
        if source not in sums and len(sums) == max_updates:
            continue
        s, c, u, a = sums.get(source, (0, 0, 0, 0))
        total = (
            s + record.supported,
            c + record.contradicted,
            u + record.used,
            a + record.asked,
        )
        if max(total) > MAX_DELTA:
            closed.add(source)
            continue
        sums[source] = total
        taken.append(record)
    updates = [ScoreUpdate(source, *sums[source]) for source in sorted(sums)]
    return Batch(updates, taken)
