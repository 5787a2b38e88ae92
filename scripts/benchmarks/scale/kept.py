"""Bytes of evidence and of transactions, what a member does, and an archive's gas."""

from __future__ import annotations

import random
import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from eth_account import Account
from web3.contract import Contract

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.protocol.compact_batch import pack_compact
from chainrep.protocol.evidence import (
    MAX_RECORDS,
    EvidenceRecord,
    evidence_record,
    evidence_tree,
    sum_updates,
)
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import Report, ScoreUpdate
from chainrep.store.evidence import EvidenceStore
from chainrep.store.signings import Signings
from scripts.benchmarks.gas.chain import OWNER
from scripts.benchmarks.gas.ledger import (
    NOBODY,
    LedgerUnderTest,
    deploy,
    whole_judgements,
)
from scripts.benchmarks.relay.outbox import judgements

SIZES = (10, 600)
"""Updates in the two batches through which lines are drawn."""
IDS = 1_000_000
"""Sparse ids, as the gaps between ids cost bytes."""
SIGNATURES = 2

Tick = Callable[[], object]


def evidence(home: Path) -> dict[str, float]:
    """Evidence of the largest batch: its bytes, and what a member does before it signs."""
    records = [evidence_record(feedback) for feedback, _ in judgements(MAX_RECORDS, 600, "kept")]
    root = EvidenceStore(home / "evidence").put(records)
    content = EvidenceStore(home / "evidence").read(root) or b""
    started = time.perf_counter()
    parsed = parse_evidence(content)
    evidence_tree(parsed)
    _note(home / "member.sqlite", root, parsed, sum_updates(parsed))
    ended = time.perf_counter()
    return {
        "evidence_bytes": len(content) / MAX_RECORDS,
        "evidence_packed_bytes": len(zlib.compress(content)) / MAX_RECORDS,
        "member_seconds": (ended - started) / MAX_RECORDS,
        "member_bytes": size(home / "member.sqlite") / MAX_RECORDS,
    }


def _note(
    path: Path, root: bytes, records: Sequence[EvidenceRecord], updates: Sequence[ScoreUpdate]
) -> None:
    signings, ids = Signings(path, "eip155:1:" + NOBODY), [record.id for record in records]
    report = Report(1, 1, 2**33, root, pack_updates(updates))
    signings.note(report, ids, 1, signings.rivals(report, ids))


def transactions() -> dict[str, float]:
    """Bytes of a signed transaction after zlib, as a line over its updates, by kind of ledger."""
    from web3 import Web3

    address = Web3.to_checksum_address("0x" + "11" * 20)
    ledger = Web3().eth.contract(address, abi=load_artifact("ScoreLedger").abi)
    found: dict[str, float] = {}
    for name, pack in {"": pack_updates, "_archive": pack_compact}.items():
        low, high = (len(zlib.compress(_transaction(ledger, pack(_updates(n))))) for n in SIZES)
        found |= line("sent", name, low, high)
    return found


def _updates(count: int) -> Sequence[ScoreUpdate]:
    rng = random.Random(count)  # noqa: S311 (repeatable, not secret)
    ids = sorted(rng.sample(range(1, IDS + 1), count))
    return [ScoreUpdate(source, *whole_judgements(rng)) for source in ids]


def _transaction(ledger: Contract, packed: bytes) -> bytes:
    rng = random.Random(0)  # noqa: S311 (stands for a hash and signatures, which do not compress)
    root, signatures = rng.randbytes(32), rng.randbytes(65 * SIGNATURES)
    call = call_to(ledger.functions.applyBatch(packed, root, 10**6, 2**31, 3, signatures))
    fees = {"gas": 2**22, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "value": 0}
    whole: dict[str, Any] = {**call, **fees, "nonce": 10**6, "chainId": 10, "type": 2}
    return bytes(Account.sign_transaction(whole, OWNER.private_key).raw_transaction)


def archive_gas(client: Client, tick: Tick) -> dict[str, float]:
    """Gas of a batch in an archive, as a line over its updates."""
    registry = deploy(client, load_artifact("SourceRegistry"), NOBODY, NOBODY)
    archive = LedgerUnderTest(client, registry, archive=True)
    archive.apply([1])  # the first entry into the history
    gas = []
    for count in SIZES:
        ids = [update.source for update in _updates(count)]
        gas.append(archive.apply(ids, deltas=whole_judgements))
        tick()
    return line("gas", "_archive", *gas)


def line(kind: str, name: str, low: float, high: float) -> dict[str, float]:
    """A straight line through what was found at both sizes: at no updates, and per update."""
    each = (high - low) / (SIZES[1] - SIZES[0])
    return {f"{kind}_fixed{name}": low - SIZES[0] * each, f"{kind}_each{name}": each}


def size(store: Path) -> int:
    """Bytes of a store once everything in its write-ahead log stands in the file itself."""
    with closing(sqlite3.connect(store)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.stat().st_size
