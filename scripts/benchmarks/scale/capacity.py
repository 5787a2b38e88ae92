"""How much feedback a day each part carries, on one node with one ledger, and which gives up first.

Two cores are shared by all parts, which the limits do not count in: each is for its part alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrep.store.outbox import MAX_PENDING
from scripts.benchmarks.scale.assumptions import DAY, Assumptions, Place
from scripts.benchmarks.scale.day import Batching, full_batch, on_l1
from scripts.benchmarks.scale.figures import Figures
from scripts.benchmarks.scale.popularity import Popularity

BLOCKS = "one batch at a time"
OWN_TIME = "relayer's own time"
TERABYTE = 1e12
DISK_DAYS = 30


def limits(
    full: Batching, figures: Figures, assumed: Assumptions, place: Place
) -> Mapping[str, float]:
    """Judgements a day at which each part is full, by its name, in batches like this one."""
    blocks = DAY / place.block_seconds
    seconds = figures.batch_seconds + full.records * figures.record_seconds
    gas = on_l1(full, figures, assumed).gas
    return {
        "outbox, one by one": DAY / figures.put_seconds,
        "outbox, in groups of 100": DAY * figures.put_many_per_s,
        f"outage of {assumed.outage_seconds / 3600:g} h": (
            MAX_PENDING * DAY / assumed.outage_seconds
        ),
        BLOCKS: blocks * assumed.batches_per_block * full.records,
        OWN_TIME: DAY / seconds * full.records,
        "a committee member": DAY / figures.member_seconds,
        "all gas of the chain": blocks * place.block_gas / gas * full.records,
        "index": DAY * figures.index_per_s * full.records / full.updates,
        f"{assumed.disk_tb:g} TB in {DISK_DAYS} days": (
            assumed.disk_tb * TERABYTE / DISK_DAYS / kept_bytes(full, figures)
        ),
    }


def kept_bytes(cut: Batching, figures: Figures) -> float:
    """Bytes that one judgement leaves on a node's disk: evidence, store, its part of the index."""
    index = figures.index_bytes * cut.updates / (cut.batches * cut.records)
    return figures.evidence_bytes + figures.store_bytes + index


def ledgers_needed(
    asked: Popularity, feedback: float, figures: Figures, assumed: Assumptions, place: Place
) -> int | None:
    """Ledgers, each with a relayer of its own, over which sources have to be spread.

    The least power of two at which the busiest one gets its batches into the blocks and its relayer
    keeps up; None where even a ledger for nothing but the most asked source does not.
    """

    def carries(own: Popularity, share: float) -> bool:
        found = limits(full_batch(own, assumed), figures, assumed, place)
        return feedback * share <= min(found[BLOCKS], found[OWN_TIME])

    parts, sources = 1, asked.sources
    if not carries(*asked.busiest_part(sources)):
        return None
    while parts < sources and not carries(*asked.busiest_part(parts)):
        parts *= 2
    return min(parts, sources)
