"""The durable queue that feedback enters before anything is sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrep.errors import DuplicateFeedback, InputError, OutboxFull
from chainrep.protocol.types import MAX_DELTA, MAX_RECEIPT, MAX_SOURCE, Feedback, FeedbackKind
from chainrep.store.db import transaction

MAX_KEY = 200
MAX_PENDING = 1_000_000
"""Records that may wait: about 350 MB of store."""
_COUNT_EVERY = 10_000

_COLUMNS = (*Feedback.__slots__, "ledger", "salt")
_COMPARED = tuple(name for name in _COLUMNS if name not in {"key", "query_digest", "time", "salt"})
_INSERT = (
    f"INSERT INTO feedback ({', '.join(_COLUMNS)})"  # noqa: S608 (column names are our own)
    f" VALUES ({', '.join(':' + name for name in _COLUMNS)}) ON CONFLICT (key) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many feedback records are where on their way to one ledger."""

    pending: int
    in_flight: int
    applied: int
    refused: int


class Outbox:
    """Feedback for one ledger (a CAIP-10 id), kept in the store until it is on the chain.

    At most ``max_pending`` records wait to be sent; several programs that add at once may pass
    that by 10,000 each, because each counts only so often.
    """

    def __init__(self, db: sqlite3.Connection, ledger: str, max_pending: int = MAX_PENDING) -> None:
        self.db = db
        self.ledger = ledger
        self.max_pending = max_pending
        self._room = 0

    def put(self, feedback: Feedback, salt: bytes = b"") -> bool:
        """Keep one record; return False when the same record is there already.

        Raises InputError for values out of range, DuplicateFeedback when the key is taken by other
        content, and OutboxFull. ``time`` is not compared: resubmitting later is the same feedback.
        """
        return self.put_many([(feedback, salt)]) == 1

    def put_many(self, records: Sequence[tuple[Feedback, bytes]]) -> int:
        """Keep records with the salts of their queries, all or none of them, in one step.

        Returns how many were new; the errors are those of `put`.
        """
        rows = []
        for feedback, salt in records:
            _check(feedback)
            rows.append(_row(feedback, self.ledger, salt))
        with transaction(self.db):
            self._make_room(len(rows))
            kept = self.db.executemany(_INSERT, rows).rowcount
            if kept < len(rows):
                for row in rows:
                    self._require_same(row)
        self._room -= kept
        return kept

    def _make_room(self, count: int) -> None:
        """Raise OutboxFull where ``count`` more records would be too many."""
        if count <= self._room:
            return
        waiting = self.waiting()
        left = self.max_pending - waiting
        if count > left:
            raise OutboxFull(
                f"The outbox holds {waiting:,} records that were not sent, its limit is"
                f" {self.max_pending:,}.",
                "Send them with `chainrep feedback flush`, then add more.",
            )
        self._room = min(left, max(_COUNT_EVERY, count))

    def _require_same(self, row: Mapping[str, object]) -> None:
        known = self.db.execute("SELECT * FROM feedback WHERE key = ?", (row["key"],)).fetchone()
        if any(known[name] != row[name] for name in _COMPARED):
            raise DuplicateFeedback(
                f"The key {row['key']!r} already stands for other feedback.",
                "Use a new --key for new feedback.",
            )

    def pending(self, limit: int) -> Sequence[Feedback]:
        """The oldest records, at most ``limit``, that belong to no batch yet."""
        rows = self.db.execute(
            "SELECT * FROM feedback WHERE ledger = ? AND batch IS NULL AND refused IS NULL"
            " ORDER BY id LIMIT ?",
            (self.ledger, limit),
        )
        return [feedback_of(row) for row in rows]

    def waiting(self) -> int:
        """How many records belong to no batch yet."""
        row = self.db.execute(
            "SELECT count(*) FROM feedback WHERE ledger = ? AND batch IS NULL AND refused IS NULL",
            (self.ledger,),
        ).fetchone()
        return int(row[0])

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Set records aside, by key, each with the reason a person can read."""
        with transaction(self.db):
            self.db.executemany(
                "UPDATE feedback SET refused = ? WHERE key = ? AND batch IS NULL",
                [(reason, key) for key, reason in reasons.items()],
            )

    def retry(self, keys: Sequence[str] = ()) -> int:
        """Let records that were set aside wait again, all without ``keys``; return how many."""
        question = "UPDATE feedback SET refused = NULL WHERE ledger = ? AND refused IS NOT NULL"
        with transaction(self.db):
            if not keys:
                return self.db.execute(question, (self.ledger,)).rowcount
            rows = [(self.ledger, key) for key in keys]
            return self.db.executemany(question + " AND key = ?", rows).rowcount

    def refusals(self) -> Mapping[str, str]:
        """Key and reason of every record that was set aside."""
        rows = self.db.execute(
            "SELECT key, refused FROM feedback WHERE ledger = ? AND refused IS NOT NULL",
            (self.ledger,),
        )
        return {row["key"]: row["refused"] for row in rows}

    def count(self) -> OutboxCount:
        """Where this ledger's records stand."""
        return count_by_ledger(self.db).get(self.ledger, OutboxCount(0, 0, 0, 0))


def count_by_ledger(db: sqlite3.Connection) -> Mapping[str, OutboxCount]:
    """Where all records in the store stand, by ledger."""
    rows = db.execute(
        "SELECT feedback.ledger, total(refused IS NULL AND batch IS NULL),"
        " total(state = 'open'), total(state = 'applied'), total(refused IS NOT NULL)"
        " FROM feedback LEFT JOIN batch ON batch.id = feedback.batch"
        " GROUP BY feedback.ledger ORDER BY feedback.ledger"
    )
    return {ledger: OutboxCount(*(int(n) for n in counts)) for ledger, *counts in rows}


def _row(feedback: Feedback, ledger: str, salt: bytes) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(feedback, name) for name in Feedback.__slots__}
    return row | {"ledger": ledger, "salt": salt}


def _check(feedback: Feedback) -> None:
    if not 0 < len(feedback.key) <= MAX_KEY:
        raise InputError(f"A feedback key has 1 to {MAX_KEY} characters.")
    if not 0 < feedback.source <= MAX_SOURCE:
        raise InputError(f"Source id {feedback.source} is outside 1..{MAX_SOURCE}.")
    if len(feedback.query_digest) != 32:
        raise InputError("A query digest has 32 bytes.")
    if len(feedback.receipt) > MAX_RECEIPT:
        raise InputError(f"A receipt has at most {MAX_RECEIPT} bytes.")
    counters = (feedback.supported, feedback.contradicted, feedback.used, feedback.asked)
    if not all(0 <= counter <= MAX_DELTA for counter in counters):
        raise InputError(f"A counter of one judgement must lie in 0..{MAX_DELTA / 100} units.")
    if not any(counters):
        raise InputError("The judgement says nothing: all of its counters are zero.")
    if not 0 <= feedback.time < 2**40:
        raise InputError(f"Time {feedback.time} is no Unix time in seconds.")


def feedback_of(row: sqlite3.Row) -> Feedback:
    """A row of the feedback table as the record it keeps."""
    fields = {name: row[name] for name in Feedback.__slots__}
    fields["kind"] = FeedbackKind(fields["kind"])
    return Feedback(**fields)
