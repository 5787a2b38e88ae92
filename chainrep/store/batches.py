"""Signed batches and the transactions that carry them, as the store remembers them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chainrep.errors import StoreError
from chainrep.protocol.types import Feedback, Report, SignedReport
from chainrep.store.db import transaction
from chainrep.store.lease import Lease
from chainrep.store.outbox import feedback_of
from chainrep.store.pace import Pace, Paces


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A report, signed or not yet, with its row id in the store.

    Nothing used up its first nonce before ``sealed_block``; ``block`` is where it was seen on the
    chain last, None while it is not there. ``sent_deadline`` is the latest deadline of its reports
    for which a transaction was signed, in Unix seconds; 0: none ever was.
    """

    id: int
    signed: SignedReport
    sealed_block: int = 0
    block: int | None = None
    sent_deadline: int = 0

    @property
    def nonce(self) -> int:
        """The ledger's nonce that it is to use up."""
        return self.signed.report.nonce


@dataclass(frozen=True, slots=True)
class Submission:
    """A signed transaction, kept before it is broadcast, in the block and at the time of then.

    It is superseded once its batch was signed anew: it may still be mined, but not be repeated.
    ``reserved`` wei were taken from the budget of ``reserved_day`` for it.
    """

    hash: bytes
    raw: bytes
    sent_block: int
    sent_time: int
    superseded: bool = False
    reserved: int = 0
    reserved_day: int = 0


class Batches:
    """The batches of one ledger (a CAIP-10 id); every change needs the lease on it.

    All methods that change something raise StoreBusy, and change nothing, when it is lost.
    """

    def __init__(self, db: sqlite3.Connection, ledger: str, lease: Lease) -> None:
        self.db = db
        self.ledger = ledger
        self.lease = lease
        self.paces = Paces(db, ledger)

    def seal(self, signed: SignedReport, records: Sequence[Feedback], block: int) -> StoredBatch:
        """Store a report, signed or not yet, and claim its feedback records, in one step.

        Raises StoreError, and changes nothing, when one of the records is claimed already.
        """
        report = signed.report
        with self._step():
            cursor = self.db.execute(
                "INSERT OR IGNORE INTO batch (ledger, committee, nonce, deadline, evidence_root,"
                " updates, signer_mask, signatures, sealed_block)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self.ledger,
                    report.committee,
                    report.nonce,
                    report.deadline,
                    report.evidence_root,
                    report.updates,
                    signed.signer_mask,
                    signed.signatures,
                    block,
                ),
            )
            taken = StoreError(
                "Feedback of this batch, or its nonce, belongs to another batch already.",
                "Run the same command again; nothing was changed.",
            )
            if cursor.rowcount != 1:
                raise taken
            batch = int(cursor.lastrowid or 0)
            claimed = self.db.executemany(
                "UPDATE feedback SET batch = ? WHERE key = ? AND batch IS NULL AND refused IS NULL",
                [(batch, record.key) for record in records],
            )
            if claimed.rowcount != len(records):
                raise taken
        return StoredBatch(batch, signed, block)

    def release(self, batch: int, refused: Mapping[str, str], confirmed_time: int) -> None:
        """Take a batch apart that can never be applied; its feedback waits again, in one step.

        But for what is ``refused``, by key with the reason: that is set aside. Raises StoreError,
        and changes nothing, where a report that was sent has not expired at ``confirmed_time``.
        """
        with self._step():
            sent = self.db.execute(
                "SELECT 1 FROM batch WHERE id = ? AND sent_deadline >= ?", (batch, confirmed_time)
            ).fetchone()
            if sent is not None:
                raise StoreError("A batch that may still be applied cannot be taken apart.")
            self.db.execute("DELETE FROM submission WHERE batch = ?", (batch,))
            self.db.executemany(
                "UPDATE feedback SET refused = ? WHERE key = ? AND batch = ?",
                [(reason, key, batch) for key, reason in refused.items()],
            )
            self.db.execute("UPDATE feedback SET batch = NULL WHERE batch = ?", (batch,))
            self.db.execute("DELETE FROM batch WHERE id = ? AND state = 'open'", (batch,))

    def records(self, batch: int) -> Sequence[Feedback]:
        """The feedback that the batch has claimed, oldest first."""
        rows = self.db.execute("SELECT * FROM feedback WHERE batch = ? ORDER BY id", (batch,))
        return [feedback_of(row) for row in rows]

    def sign_again(self, batch: StoredBatch, signed: SignedReport) -> StoredBatch:
        """Give an open batch new signatures, with the nonce, committee and deadline they cover.

        Transactions signed before are superseded.
        """
        with self._step():
            self.db.execute("UPDATE submission SET superseded = 1 WHERE batch = ?", (batch.id,))
            self.db.execute(
                "UPDATE batch SET committee = ?, nonce = ?, deadline = ?, signer_mask = ?,"
                " signatures = ? WHERE id = ? AND state = 'open'",
                (
                    signed.report.committee,
                    signed.report.nonce,
                    signed.report.deadline,
                    signed.signer_mask,
                    signed.signatures,
                    batch.id,
                ),
            )
        return replace(batch, signed=signed)

    def open(self) -> Sequence[StoredBatch]:
        """Batches that are not known to be on the chain, in the ledger's order."""
        rows = self.db.execute(
            "SELECT * FROM batch WHERE ledger = ? AND state = 'open' ORDER BY nonce",
            (self.ledger,),
        )
        return [_batch(row) for row in rows]

    def keep(self, batch: int, submission: Submission, pace: Pace | None = None) -> None:
        """Store a signed transaction, and in ``pace`` what it may cost; then broadcast it."""
        with self._step():
            self.db.execute(
                "INSERT OR IGNORE INTO submission (hash, batch, raw, sent_block, sent_time,"
                " reserved, reserved_day) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    submission.hash,
                    batch,
                    submission.raw,
                    submission.sent_block,
                    submission.sent_time,
                    str(submission.reserved),
                    submission.reserved_day,
                ),
            )
            self.db.execute(
                "UPDATE batch SET sent_deadline = max(sent_deadline, deadline) WHERE id = ?",
                (batch,),
            )
            if pace is not None:
                self.paces.save(pace)

    def submissions(self, batch: int) -> Sequence[Submission]:
        """Every transaction that was signed for the batch, oldest first."""
        rows = self.db.execute("SELECT * FROM submission WHERE batch = ? ORDER BY rowid", (batch,))
        return [
            Submission(
                row["hash"],
                row["raw"],
                row["sent_block"],
                row["sent_time"],
                bool(row["superseded"]),
                int(row["reserved"]),
                row["reserved_day"],
            )
            for row in rows
        ]

    def note_block(self, batch: int, block: int | None) -> None:
        """Remember in which block the batch was seen last, None where it is not on the chain."""
        with self._step():
            self.db.execute("UPDATE batch SET block = ? WHERE id = ?", (block, batch))

    def note_pace(self, pace: Pace) -> None:
        """Remember how fast the day's money is spent."""
        with self._step():
            self.paces.save(pace)

    def settle(
        self,
        batch: int,
        block: int,
        mined: bytes | None = None,
        gas_used: int | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Mark the batch applied for good; ``mined`` is our transaction that did it, if any."""
        with self._step():
            self.db.execute(
                "UPDATE submission SET block = ?, gas_used = ? WHERE hash = ?",
                (block, gas_used, mined),
            )
            self.db.execute(
                "UPDATE batch SET state = 'applied', block = ? WHERE id = ?", (block, batch)
            )
            if pace is not None:
                self.paces.save(pace)

    @contextmanager
    def _step(self) -> Iterator[None]:
        with transaction(self.db):
            self.lease.renew()
            yield


def _batch(row: sqlite3.Row) -> StoredBatch:
    report = Report(
        committee=row["committee"],
        nonce=row["nonce"],
        deadline=row["deadline"],
        evidence_root=row["evidence_root"],
        updates=row["updates"],
    )
    signed = SignedReport(report, row["signer_mask"], row["signatures"])
    return StoredBatch(row["id"], signed, row["sealed_block"], row["block"], row["sent_deadline"])
