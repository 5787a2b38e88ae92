"""Comparing a batch with the evidence behind it: pure, in the order in which it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from chainrep.errors import ChainrepError, InputError
from chainrep.node.audited_batch import Finding, Step
from chainrep.node.ledger_history import BatchOnChain
from chainrep.protocol.compact_batch import pack_compact, unpack_compact
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree, sum_updates
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.protocol.score_update import pack_updates, unpack_updates
from chainrep.protocol.types import ScoreUpdate

FUTURE_SECONDS = 900
"""How far a judgement may be ahead of its block: clocks differ, and blocks are stamped early."""
_COUNTERS = ("supported", "contradicted", "used", "asked")


def read_evidence(
    evidence: bytes | ChainrepError | None, root: bytes
) -> Sequence[EvidenceRecord] | Finding:
    """The records under this root, from a file or from why there is none; or what is wrong."""
    if evidence is None:
        return Finding(Step.EVIDENCE, "The evidence is not available: nobody there keeps it.")
    if isinstance(evidence, ChainrepError):
        return Finding(Step.EVIDENCE, evidence.summary, conclusive=False)
    try:
        records = parse_evidence(evidence, unique=False)
    except InputError as error:
        return Finding(Step.FILE, error.summary)
    found = evidence_tree(records).root
    if found != root:
        text = f"The evidence has the root 0x{found.hex()}, the chain says 0x{root.hex()}."
        return Finding(Step.ROOT, text)
    return records


def compare_evidence(
    records: Sequence[EvidenceRecord],
    batch: BatchOnChain,
    archive: bool,
    counted: Mapping[bytes, int],
) -> Iterator[Finding]:
    """What does not fit between records and batch.

    ``counted`` has the nonce of every feedback id that batches audited before this one count.
    """
    pack, unpack = (pack_compact, unpack_compact) if archive else (pack_updates, unpack_updates)
    try:
        expected = sum_updates(records)
        if pack(expected) != batch.updates:
            yield Finding(Step.UPDATES, _difference(expected, unpack(batch.updates)))
    except InputError as error:
        yield Finding(Step.UPDATES, error.summary)
    seen = dict[bytes, int]()
    for record in records:
        before = seen.get(record.id, counted.get(record.id))
        if before is not None:
            where = "this batch" if before == batch.nonce else f"batches {before} and {batch.nonce}"
            text = f"Feedback 0x{record.id.hex()} is counted twice, in {where}."
            yield Finding(Step.COUNTED_TWICE, text)
            break
        seen[record.id] = batch.nonce
    yield from _judgements(records, batch)


def _judgements(records: Sequence[EvidenceRecord], batch: BatchOnChain) -> Iterator[Finding]:
    for record in records:
        name = f"Feedback 0x{record.id.hex()}"
        if record.source > batch.sources:
            reason = f"is on source {record.source}, when there were {batch.sources}."
        elif record.time > batch.time + FUTURE_SECONDS:
            reason = f"was made {record.time - batch.time:,} s after the batch was applied."
        else:
            continue
        yield Finding(Step.JUDGEMENT, f"{name} {reason}")
        return


def _difference(expected: Sequence[ScoreUpdate], found: Sequence[ScoreUpdate]) -> str:
    """The first counter that differs, by source; both in hundredths of a unit."""
    ours = {update.source: update for update in expected}
    theirs = {update.source: update for update in found}
    for source in sorted(ours.keys() | theirs.keys()):
        nothing = ScoreUpdate(source, 0, 0, 0, 0)
        one, other = ours.get(source, nothing), theirs.get(source, nothing)
        for counter in _COUNTERS:
            should, does = getattr(one, counter), getattr(other, counter)
            if should != does:
                return (
                    f"Source {source}, {counter}: {should} hundredths by the evidence,"
                    f" {does} in the batch."
                )
    extra = ", ".join(map(str, sorted(ours.keys() ^ theirs.keys())))
    return f"The batch and the evidence are not about the same sources: {extra}."
