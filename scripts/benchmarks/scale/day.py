"""One day of feedback: batches, updates, gas, and what they cost in each place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import EVIDENCE_UNIT, MAX_DELTA
from scripts.benchmarks.scale.assumptions import (
    BLOB_BYTES,
    BLOB_ROOM,
    DAY,
    POINT_EVALUATION,
    Assumptions,
)
from scripts.benchmarks.scale.figures import Figures
from scripts.benchmarks.scale.popularity import Popularity

GWEI = 1e-9
"""In ETH."""

MAX_JUDGEMENTS = MAX_DELTA // EVIDENCE_UNIT
"""Judgements of one unit that a counter of one update holds."""


@dataclass(frozen=True, slots=True)
class Batching:
    """So many batches, with so many updates in all of them and so many records in each."""

    batches: float
    updates: float
    records: float


def full_batch(asked: Popularity, assumed: Assumptions) -> Batching:
    """One batch while more waits than the relayer reads at once, which is 20,000 records.

    Of what was read, the sources that have waited longest come first, each with all its records.
    """
    records = min(batch_bounds(asked, assumed).values())
    return Batching(1.0, min(assumed.max_updates, asked.distinct(records)), records)


def batch_bounds(asked: Popularity, assumed: Assumptions) -> dict[str, float]:
    """Records that a full batch may hold in the long run, by what bounds them."""
    taken = 0.0
    for _ in range(5):  # what waits shrinks with every batch, and then grows again
        taken = assumed.max_updates / asked.turns(MAX_RECORDS - min(taken, MAX_RECORDS) / 2)
    return {
        "updates": taken,
        "counter": MAX_JUDGEMENTS / asked.top,
        "evidence": float(MAX_RECORDS),
    }


def in_order(asked: Popularity, full: Batching, feedback: float, assumed: Assumptions) -> Batching:
    """As the relayer does it: at every flush full batches, and the last 20,000 records at once."""
    flushes = min(DAY / assumed.flush_seconds, feedback)
    each = feedback / flushes
    last = _at_once(asked, min(each, MAX_RECORDS), assumed)
    before = max(0.0, each - MAX_RECORDS) / full.records
    batches = flushes * (before + last.batches)
    return Batching(batches, flushes * (before * full.updates + last.updates), feedback / batches)


def grouped(asked: Popularity, feedback: float, assumed: Assumptions) -> Batching:
    """As it could be: all that has come since the last flush is read before it is cut."""
    flushes = min(DAY / assumed.flush_seconds, feedback)
    one = _at_once(asked, feedback / flushes, assumed)
    return Batching(flushes * one.batches, flushes * one.updates, one.records)


def _at_once(asked: Popularity, records: float, assumed: Assumptions) -> Batching:
    """Records that are all read before they are cut: an update for a source, or a full counter."""
    above = records * asked.shares / MAX_JUDGEMENTS - 1
    updates = asked.distinct(records) + float(np.maximum(above, 0) @ asked.counts)
    batches = max(updates / assumed.max_updates, records / MAX_RECORDS, float(above.max()) + 1, 1.0)
    return Batching(batches, updates, records / batches)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one day: gas of execution, bytes in blobs, and ETH."""

    gas: float
    blobs: float
    eth: float


def on_l1(found: Batching, figures: Figures, assumed: Assumptions, archive: bool = False) -> Cost:
    """Calldata on L1: everything is gas."""
    gas = _gas(found, figures, assumed, archive)
    return Cost(gas, 0.0, gas * assumed.l1_gwei * GWEI)


def on_l2(found: Batching, figures: Figures, assumed: Assumptions, archive: bool = False) -> Cost:
    """Execution at the rollup's price, and the compressed transactions in L1's blobs."""
    gas = _gas(found, figures, assumed, archive)
    fixed = figures.sent_fixed_archive if archive else figures.sent_fixed
    each = figures.sent_each_archive if archive else figures.sent_each
    sent = found.batches * fixed + found.updates * each
    eth = (gas * assumed.l2_gwei + sent * assumed.byte_gwei) * GWEI
    return Cost(gas, sent / BLOB_ROOM, eth)


def in_blobs(asked: Popularity, feedback: float, figures: Figures, assumed: Assumptions) -> Cost:
    """A projection: an archive whose updates travel in blobs, one transaction per blob.

    No contract of ours reads blobs. Updates are grouped by source, a blob is paid for whole.
    """
    found = grouped(asked, feedback, assumed)
    flushes = min(DAY / assumed.flush_seconds, feedback)
    blobs = max(flushes, found.updates * figures.sent_each_archive / BLOB_ROOM)
    signed = figures.gas_fixed_archive + (assumed.signatures - 1) * figures.gas_signature
    gas = blobs * (signed + POINT_EVALUATION)
    return Cost(gas, blobs, (gas * assumed.l1_gwei + blobs * _blob(assumed)) * GWEI)


def evidence_in_blobs(feedback: float, figures: Figures, assumed: Assumptions) -> Cost:
    """A projection: the evidence, compressed, in full blobs; without the transactions' gas."""
    blobs = feedback * figures.evidence_packed_bytes / BLOB_ROOM
    return Cost(0.0, blobs, blobs * _blob(assumed) * GWEI)


def _blob(assumed: Assumptions) -> float:
    return BLOB_BYTES * assumed.blob_price


def _gas(found: Batching, figures: Figures, assumed: Assumptions, archive: bool) -> float:
    fixed = figures.gas_fixed_archive if archive else figures.gas_fixed
    each = figures.gas_each_archive if archive else figures.gas_each
    signed = fixed + (assumed.signatures - 1) * figures.gas_signature
    return found.batches * signed + found.updates * each
