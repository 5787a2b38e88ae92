"""The tables of the document, each from the same outlook."""

from __future__ import annotations

from chainrep.store.outbox import MAX_PENDING
from scripts.benchmarks.scale.assumptions import DAY, Place
from scripts.benchmarks.scale.capacity import kept_bytes
from scripts.benchmarks.scale.day import (
    batch_bounds,
    evidence_in_blobs,
    full_batch,
    in_blobs,
    on_l1,
    on_l2,
)
from scripts.benchmarks.scale.outlook import FEEDBACK, SOURCES, Outlook
from scripts.benchmarks.scale.popularity import popularity
from scripts.benchmarks.scale.wording import power, share, short, table

COMPARED = ((10**4, 10**6), (10**6, 10**7))
INTERVALS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}


def full_batches(outlook: Outlook) -> str:
    """What ends a batch, and what it holds then, if sources are asked as assumed and evenly."""
    rows = []
    for exponent in dict.fromkeys((outlook.assumed.zipf, 0.0)):
        for sources in SOURCES[:: len(SOURCES) - 1]:
            asked = popularity(sources, exponent)
            bounds = batch_bounds(asked, outlook.assumed)
            full = full_batch(asked, outlook.assumed)
            ends = min(bounds, key=lambda name: bounds[name])
            name = f"{exponent:g}" if exponent else "0 (even)"
            found = (*bounds.values(), full.records, full.updates)
            rows.append([power(sources), name, *map(short, found), ends])
    columns = ["sources", "exponent", "by updates", "by a counter", "by evidence"]
    return table([*columns, "records in a batch", "updates in it", "ended by"], rows)


def costs(outlook: Outlook) -> str:
    """ETH a day for every number of sources and of judgements."""
    f, a = outlook.figures, outlook.assumed
    l1, l2 = (DAY / p.block_seconds * p.block_gas for p in (a.l1, a.l2))
    rows = []
    for sources in SOURCES:
        for feedback in FEEDBACK:
            found = outlook.batches(sources, feedback)
            full, archive = on_l1(found, f, a), on_l1(found, f, a, archive=True)
            blobs = in_blobs(outlook.asked[sources], feedback, f, a)
            row = [power(sources), power(feedback), short(found.batches), short(found.updates)]
            row += [short(full.gas), outlook.money(full, l1), outlook.money(archive, l1)]
            row += [outlook.money(on_l2(found, f, a), l2)]
            row += [outlook.money(on_l2(found, f, a, archive=True), l2), outlook.money(blobs, l1)]
            row += [_broken(outlook, sources, feedback, place) for place in (a.l1, a.l2)]
            rows.append(row)
    columns = ["sources", "feedback", "batches", "updates", "gas"]
    places = ["L1", "L1 archive", "L2", "L2 archive", "blobs"]
    broken = ["breaks first on L1", "on L2"]
    return table([*columns, *places, *broken], rows, text=2)


def flushes(outlook: Outlook) -> str:
    """Flushing more or less often, as the relayer cuts batches and as it could: ETH on the L2."""
    ways = {"20,000 read at once": outlook.batches, "all that waits": outlook.grouped}
    rows = []
    for sources, feedback in COMPARED:
        for way, cut in ways.items():
            row = [power(sources), power(feedback), way]
            for seconds in INTERVALS.values():
                found = cut(sources, feedback, flush_seconds=seconds)
                room = "" if feedback * seconds / DAY <= MAX_PENDING else " ‡"
                cost = outlook.money(on_l2(found, outlook.figures, outlook.assumed))
                row += [short(found.updates), cost + room]
            rows.append(row)
    columns = [[f"updates, every {name}", f"L2, every {name}"] for name in INTERVALS]
    return table(["sources", "feedback", "cut", *(c for pair in columns for c in pair)], rows)


def part_limits(outlook: Outlook) -> str:
    """Judgements a day at which each part is full; L1 and L2 where they differ."""
    rows = []
    for part in outlook.limits(SOURCES[0], outlook.assumed.l1):
        for place in (outlook.assumed.l1, outlook.assumed.l2):
            found = [outlook.limits(sources, place)[part] for sources in SOURCES]
            rows.append([part, place.name, *map(short, found)])
        if rows[-1][2:] == rows[-2][2:]:
            rows[-2:] = [[part, "both", *rows[-1][2:]]]
    return table(["part", "on", *(f"{power(s)} sources" for s in SOURCES)], rows)


def _broken(outlook: Outlook, sources: int, feedback: float, place: Place) -> str:
    """The part with the lowest limit, and how many others do not hold either; or that all hold."""
    found = outlook.limits(sources, place)
    failed = [part for most, part in sorted((m, p) for p, m in found.items()) if most < feedback]
    more = f" (+{len(failed) - 1})" if len(failed) > 1 else ""
    return failed[0] + more if failed else "–"


def moves(outlook: Outlook) -> str:
    """What a day takes of everything that can be spread over more machines."""
    f, a = outlook.figures, outlook.assumed
    rows = []
    for sources in SOURCES[:: len(SOURCES) - 1]:
        for feedback in FEEDBACK[3:]:
            found = outlook.batches(sources, feedback)
            needed = [outlook.ledgers(sources, feedback, place) for place in (a.l1, a.l2)]
            blobs = evidence_in_blobs(feedback, f, a)
            row = [power(sources), power(feedback)]
            row += ["none" if n is None else f"{n:,}" for n in needed]
            row += [short(feedback * f.member_seconds / DAY)]
            row += [short(found.updates / (DAY * f.index_per_s))]
            row += [
                short(feedback * kept_bytes(found, f)) + "B",
                short(found.batches * f.rpc_requests),
            ]
            row += [outlook.money(blobs), share(blobs.blobs / a.blobs_a_day)]
            rows.append(row)
    columns = ["sources", "feedback", "ledgers on L1", "on L2", "cores: a member", "index"]
    return table([*columns, "kept", "RPC requests", "evidence, ETH", "of L1's blobs"], rows)
