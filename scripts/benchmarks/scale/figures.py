"""What was measured: everything that the model of a day stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from chainrep.errors import InputError
from scripts.benchmarks.scale.wording import table

MEANINGS = {
    "gas_fixed": "gas of a batch with one signature, without its updates",
    "gas_each": "gas of one update of a source that has a score",
    "gas_signature": "gas of one more signature",
    "gas_joining": "gas, once, of registering a source, and more for its first update",
    "most_updates": "updates in the largest batch under 2^24 gas, no source being new",
    "put_seconds": "median time of one durable put into the outbox",
    "put_many_per_s": "judgements put into the outbox in groups of 100",
    "road_per_s": "judgements from the outbox to mined, 20,000 in a batch",
    "index_per_s": "updates from a local chain into the index",
    "view_read_us": "microseconds to read one score",
    "gas_fixed_archive": "as `gas_fixed`, in an archive (events only)",
    "gas_each_archive": "as `gas_each`, in an archive, ids out of 10^6",
    "sent_fixed": "bytes of a transaction after zlib, with two signatures, without its updates",
    "sent_each": "bytes of an update in it, after zlib",
    "sent_fixed_archive": "as `sent_fixed`, in an archive",
    "sent_each_archive": "as `sent_each`, in an archive",
    "evidence_bytes": "bytes of a judgement in an evidence file, without a source's receipt",
    "evidence_packed_bytes": "the same after zlib",
    "store_bytes": "bytes of a judgement in the node's store, its batch included",
    "index_bytes": "bytes of an update in the index",
    "member_bytes": "bytes of a judgement in a member's memory of what it signed",
    "member_seconds": "a member's time per judgement: parse, root, sums, memory",
    "batch_seconds": "relayer's and local chain's time of a batch of 600 updates, without records",
    "record_seconds": "the same of a record in the batch",
    "rpc_requests": "requests of a batch, where it is mined at once",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What `MEANINGS` says; gas, bytes and times are straight lines through two sizes of batch."""

    gas_fixed: float
    gas_each: float
    gas_signature: float
    gas_joining: float
    most_updates: float

    put_seconds: float
    put_many_per_s: float
    road_per_s: float
    index_per_s: float
    view_read_us: float

    gas_fixed_archive: float
    gas_each_archive: float
    sent_fixed: float
    sent_each: float
    sent_fixed_archive: float
    sent_each_archive: float
    evidence_bytes: float
    evidence_packed_bytes: float
    store_bytes: float
    index_bytes: float
    member_bytes: float
    member_seconds: float
    batch_seconds: float
    record_seconds: float
    rpc_requests: float


def figures_from(
    gas: Mapping[str, Any], relay: Mapping[str, Any], parts: Mapping[str, float]
) -> Figures:
    """Figures from what `gas --json` and `relay --json` print, and from what is measured here.

    They have four significant digits, as a document shows them. Raises InputError where one of the
    two is not what these benchmarks print.
    """
    try:
        one, hundred = gas["update_gas"]["1"], gas["update_gas"]["100"]
        each = (100 * hundred - one) / 99
        entry = gas["entry_points"]
        first = (entry["apply 10 new sources"] - entry["apply 10"]) / 10
        found = {
            "gas_fixed": one - each,
            "gas_each": each,
            "gas_signature": gas["batch_k_of_n"],
            "gas_joining": gas["register_gas"] + first,
            "most_updates": gas["max_batch_under_tx_cap"],
            "put_seconds": relay["outbox_put_p50_ms"] / 1e3,
            "put_many_per_s": relay["outbox_put_many_per_s"],
            "road_per_s": relay["feedback_per_s"],
            "index_per_s": relay["index_events_per_s"],
            "view_read_us": relay["score_view_read_us"],
        } | dict(parts)
        return Figures(**{name: float(f"{value:.4g}") for name, value in found.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"A figure is missing or is no number: {error}.",
            "Give what `scripts/bench gas --json` and `scripts/bench relay --json` print last.",
        ) from error


def figures_table(figures: Figures) -> str:
    """The table that a document carries its figures in."""
    rows = [[f"`{name}`", f"{value:g}", MEANINGS[name]] for name, value in asdict(figures).items()]
    return table(["figure", "value", "meaning"], rows, text=1)


def parse_figures(document: str) -> Figures:
    """The figures that a document was printed from; raise InputError where some are not there.

    A figure's row is the only one that begins with a word in back quotes without hyphens.
    """
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.e+-]+) \|", document, re.MULTILINE)
    names = [field.name for field in fields(Figures)]
    try:
        if [name for name, _ in rows] != names:
            raise ValueError
        return Figures(**{name: float(value) for name, value in rows})
    except ValueError as error:
        raise InputError(
            "The document has not the figures that this version stands on.",
            "Measure again: `scripts/bench scale >NEW`, then put NEW into its place.",
        ) from error
