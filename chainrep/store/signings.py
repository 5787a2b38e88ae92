"""What a committee member has signed: it must not forget, or it could be made to sign twice.

Rows are only ever added, or a deadline moved on. A feedback id takes about 50 bytes for good.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chainrep.errors import SigningRefused, StoreError
from chainrep.protocol.types import Report
from chainrep.store.db import open_store, transaction

_IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Signing:
    """One batch signed under one nonce and one committee version.

    ``deadline`` is the latest one signed, in Unix seconds; ``block`` the newest block that was
    confirmed when the member signed first, before which the batch cannot have been applied.
    """

    evidence_root: bytes
    nonce: int
    committee: int
    deadline: int
    block: int


class Signings:
    """The memory of one member for one ledger (a CAIP-10 id), in a store of its own.

    Every call opens the store anew, so that any thread may make it. Raises StoreError.
    """

    def __init__(self, path: Path, ledger: str) -> None:
        self.path = path
        self.ledger = ledger
        with self._opened():
            pass  # so that a store that cannot be written is found before anything is signed

    def rivals(self, report: Report, ids: Sequence[bytes]) -> Sequence[Signing]:
        """Every signing that could be applied beside or instead of this report.

        Another batch under its nonce, its batch under another nonce, and batches that share one of
        the feedback ``ids``.
        """
        with self._opened() as db:
            return self._rivals(db, report, ids)

    def note(
        self, report: Report, ids: Sequence[bytes], block: int, void: Collection[Signing]
    ) -> None:
        """Store that the report is being signed; only then may the signature leave.

        Raises SigningRefused, and stores nothing, when there is a rival that is not among those
        found ``void``: another thread or process has signed meanwhile.
        """
        with self._opened() as db, transaction(db):
            if not set(self._rivals(db, report, ids)) <= set(void):
                raise SigningRefused("Another report was signed at the same moment.", "Ask again.")
            db.execute(
                "INSERT OR IGNORE INTO signed_batch (ledger, evidence_root) VALUES (?, ?)",
                (self.ledger, report.evidence_root),
            )
            (batch,) = db.execute(
                "SELECT id FROM signed_batch WHERE ledger = ? AND evidence_root = ?",
                (self.ledger, report.evidence_root),
            ).fetchone()
            db.execute(
                "INSERT INTO signing (batch, nonce, committee, deadline, block)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET deadline = max(deadline, excluded.deadline)",
                (batch, report.nonce, report.committee, report.deadline, block),
            )
            db.executemany(
                "INSERT OR IGNORE INTO signed_feedback (id, batch) VALUES (?, ?)",
                [(feedback, batch) for feedback in ids],
            )

    def signed(self, nonce: int) -> Sequence[Signing]:
        """What was signed under one nonce: with which a member can show that it kept the rule."""
        with self._opened() as db:
            return [
                _signing(row)
                for row in db.execute(f"{_SELECT} AND nonce = ?", (self.ledger, nonce))
            ]

    def _rivals(
        self, db: sqlite3.Connection, report: Report, ids: Sequence[bytes]
    ) -> Sequence[Signing]:
        place = (self.ledger, report.nonce, report.evidence_root)
        rows = db.execute(f"{_SELECT} AND (nonce = ?) != (evidence_root = ?)", place).fetchall()
        for start in range(0, len(ids), _IDS_PER_QUERY):
            page = ids[start : start + _IDS_PER_QUERY]
            marks = ", ".join("?" * len(page))
            sharing = f"SELECT batch FROM signed_feedback WHERE id IN ({marks})"  # noqa: S608 (only marks)
            rows += db.execute(
                f"{_SELECT} AND evidence_root != ? AND batch IN ({sharing})",
                (self.ledger, report.evidence_root, *page),
            )
        return list(dict.fromkeys(_signing(row) for row in rows))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(open_store(self.path)) as db:
            try:
                yield db
            except sqlite3.DatabaseError as error:
                raise StoreError(
                    f"The store {self.path} cannot be used ({error}).",
                    "Nothing was signed: check the disk, then ask again.",
                ) from error


_SELECT = (
    "SELECT evidence_root, nonce, committee, deadline, block FROM signing"
    " JOIN signed_batch ON signed_batch.id = signing.batch WHERE ledger = ?"
)


def _signing(row: sqlite3.Row) -> Signing:
    return Signing(*row)
