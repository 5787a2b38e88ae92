"""Signed batches and the transactions that carry them, as the store remembers them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from chainrep.errors import StoreError
from chainrep.protocol.types import Feedback, Report, SignedReport
from chainrep.store.db import transaction
from chainrep.store.outbox import feedback_of


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A signed report with its row id in the store."""

    id: int
    signed: SignedReport


@dataclass(frozen=True, slots=True)
class Submission:
    """A signed transaction, kept before it is broadcast."""

    hash: bytes
    raw: bytes


class Batches:
    """The batches of one ledger (a CAIP-10 id)."""

    def __init__(self, db: sqlite3.Connection, ledger: str) -> None:
        self.db = db
        self.ledger = ledger

    def seal(self, signed: SignedReport, records: Sequence[Feedback]) -> StoredBatch:
        """Store a report, signed or not yet, and claim its feedback records, in one step.

        Raises StoreError, and changes nothing, when another run has claimed one of the records
        or has an open batch under this nonce.
        """
        report = signed.report
        with transaction(self.db):
            cursor = self.db.execute(
                "INSERT OR IGNORE INTO batch (ledger, committee, nonce, deadline, evidence_root,"
                " updates, signer_mask, signatures) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self.ledger,
                    report.committee,
                    report.nonce,
                    report.deadline,
                    report.evidence_root,
                    report.updates,
                    signed.signer_mask,
                    signed.signatures,
                ),
            )
            batch = int(cursor.lastrowid or 0)
            claimed = self.db.executemany(
                "UPDATE feedback SET batch = ? WHERE key = ? AND batch IS NULL",
                [(batch, record.key) for record in records],
            )
            if cursor.rowcount != 1 or claimed.rowcount != len(records):
                raise StoreError(
                    "Another run is sending the feedback of this outbox.",
                    "Wait until it has finished, then run the same command again.",
                )
        return StoredBatch(batch, signed)

    def records(self, batch: int) -> Sequence[Feedback]:
        """The feedback that the batch has claimed, oldest first."""
        rows = self.db.execute("SELECT * FROM feedback WHERE batch = ? ORDER BY id", (batch,))
        return [feedback_of(row) for row in rows]

    def sign_again(self, batch: int, signed: SignedReport) -> None:
        """Give an open batch new signatures, with the nonce, committee and deadline they cover.

        Transactions signed before are forgotten: the ledger would refuse every one of them.
        """
        with transaction(self.db):
            self.db.execute("DELETE FROM submission WHERE batch = ?", (batch,))
            self.db.execute(
                "UPDATE batch SET committee = ?, nonce = ?, deadline = ?, signer_mask = ?,"
                " signatures = ? WHERE id = ? AND state = 'open'",
                (
                    signed.report.committee,
                    signed.report.nonce,
                    signed.report.deadline,
                    signed.signer_mask,
                    signed.signatures,
                    batch,
                ),
            )

    def open(self) -> Sequence[StoredBatch]:
        """Batches that are not known to be on the chain, in the ledger's order."""
        rows = self.db.execute(
            "SELECT * FROM batch WHERE ledger = ? AND state = 'open' ORDER BY nonce",
            (self.ledger,),
        )
        return [_batch(row) for row in rows]

    def keep(self, batch: int, submission: Submission) -> None:
        """Store a signed transaction; only then may it be broadcast."""
        with transaction(self.db):
            self.db.execute(
                "INSERT OR IGNORE INTO submission (hash, batch, raw) VALUES (?, ?, ?)",
                (submission.hash, batch, submission.raw),
            )

    def submissions(self, batch: int) -> Sequence[Submission]:
        """Every transaction that was signed for the batch, oldest first."""
        rows = self.db.execute("SELECT * FROM submission WHERE batch = ? ORDER BY rowid", (batch,))
        return [Submission(row["hash"], row["raw"]) for row in rows]

    def settle(
        self,
        batch: int,
        mined: bytes | None = None,
        block: int | None = None,
        gas_used: int | None = None,
    ) -> None:
        """Mark the batch applied; ``mined`` is the hash of our transaction that did it, if any."""
        with transaction(self.db):
            self.db.execute(
                "UPDATE submission SET block = ?, gas_used = ? WHERE hash = ?",
                (block, gas_used, mined),
            )
            self.db.execute("UPDATE batch SET state = 'applied' WHERE id = ?", (batch,))


def _batch(row: sqlite3.Row) -> StoredBatch:
    report = Report(
        committee=row["committee"],
        nonce=row["nonce"],
        deadline=row["deadline"],
        evidence_root=row["evidence_root"],
        updates=row["updates"],
    )
    return StoredBatch(row["id"], SignedReport(report, row["signer_mask"], row["signatures"]))
