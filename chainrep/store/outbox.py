"""The durable queue that feedback enters before anything is sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from chainrep.errors import DuplicateFeedback, InputError
from chainrep.protocol.types import MAX_DELTA, MAX_RECEIPT, MAX_SOURCE, Feedback, FeedbackKind
from chainrep.store.db import transaction

MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many feedback records are where on their way to one ledger."""

    pending: int
    in_flight: int
    applied: int
    refused: int


class Outbox:
    """Feedback for one ledger (a CAIP-10 id), kept in the store until it is on the chain."""

    def __init__(self, db: sqlite3.Connection, ledger: str) -> None:
        self.db = db
        self.ledger = ledger

    def put(self, feedback: Feedback, salt: bytes = b"") -> bool:
        """Keep one record; return False when the same record is there already.

        Raises InputError for values out of range and DuplicateFeedback when the key is taken by
        other content. ``time`` is not compared: resubmitting later is still the same feedback.
        """
        _check(feedback)
        row = asdict(feedback) | {"ledger": self.ledger, "salt": salt}
        with transaction(self.db):
            known = self.db.execute("SELECT * FROM feedback WHERE key = ?", (feedback.key,))
            existing = known.fetchone()
            if existing is None:
                names = ", ".join(row)
                marks = ", ".join(f":{name}" for name in row)
                self.db.execute(f"INSERT INTO feedback ({names}) VALUES ({marks})", row)  # noqa: S608 (column names are our own)
                return True
        same = ("source", "kind", "supported", "contradicted", "used", "asked", "receipt")
        if existing["ledger"] != self.ledger or any(existing[n] != row[n] for n in same):
            raise DuplicateFeedback(
                f"The key {feedback.key!r} already stands for other feedback.",
                "Use a new --key for new feedback.",
            )
        return False

    def pending(self, limit: int) -> Sequence[Feedback]:
        """The oldest records, at most ``limit``, that belong to no batch yet."""
        rows = self.db.execute(
            "SELECT * FROM feedback WHERE ledger = ? AND batch IS NULL AND refused IS NULL"
            " ORDER BY id LIMIT ?",
            (self.ledger, limit),
        )
        return [feedback_of(row) for row in rows]

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Set records aside for good, by key, each with the reason a person can read."""
        with transaction(self.db):
            self.db.executemany(
                "UPDATE feedback SET refused = ? WHERE key = ? AND batch IS NULL",
                [(reason, key) for key, reason in reasons.items()],
            )

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
    return replace(Feedback(**fields), kind=FeedbackKind(row["kind"]))
