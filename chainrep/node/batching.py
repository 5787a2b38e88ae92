"""Summing feedback into one batch: pure functions, no clock, no store, no chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrep.errors import BatchTooLarge
from chainrep.protocol.types import MAX_DELTA, Feedback, ScoreUpdate

SAFE_UPDATES = 600
"""Updates that fit into the 2^24 gas of one transaction (EIP-7825) though every source be new."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Updates with ids ascending, and the feedback records they are the sums of."""

    updates: Sequence[ScoreUpdate]
    records: Sequence[Feedback]


def next_batch(records: Sequence[Feedback], max_updates: int) -> Batch:
    """Take records from the front until one more would not fit.

    A batch holds at most ``max_updates`` sources, and per source and counter at most 65,535
    hundredths of a unit; what does not fit is left for the batch after it. Raises BatchTooLarge
    when ``max_updates`` is not positive.
    """
    if max_updates < 1:
        raise BatchTooLarge("A batch must be allowed at least one update.")
    sums: dict[int, tuple[int, int, int, int]] = {}
    taken = 0
    for record in records:
        s, c, u, a = sums.get(record.source, (0, 0, 0, 0))
        total = (
            s + record.supported,
            c + record.contradicted,
            u + record.used,
            a + record.asked,
        )
        if max(total) > MAX_DELTA:
            break
        if record.source not in sums and len(sums) == max_updates:
            break
        sums[record.source] = total
        taken += 1
    updates = [ScoreUpdate(source, *sums[source]) for source in sorted(sums)]
    return Batch(updates, records[:taken])
