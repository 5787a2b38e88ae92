"""The right to send one ledger's feedback, held by one relayer of a store at a time."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from chainrep.errors import StoreBusy
from chainrep.store.db import transaction

LEASE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Holder:
    """A program, by its number and when it began."""

    pid: int
    began: str


class Lease:
    """Taken before the first step, renewed in every durable one, given back at the end.

    It ends by itself after ``seconds``, and at once when ``is_alive`` says that its holder has
    died. A holder that lost it is told at its next durable step, and changes nothing more.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        ledger: str,
        holder: Holder,
        is_alive: Callable[[Holder], bool],
        clock: Callable[[], float] = time.time,
        seconds: int = LEASE_SECONDS,
    ) -> None:
        self.db = db
        self.ledger = ledger
        self.holder = holder
        self._token = os.urandom(16)
        self._is_alive = is_alive
        self._clock = clock
        self._seconds = seconds

    def take(self) -> None:
        """Take or renew it; raise StoreBusy while another relayer holds it."""
        with transaction(self.db):
            row = self.db.execute("SELECT * FROM lease WHERE ledger = ?", (self.ledger,)).fetchone()
            if row is not None and row["holder"] != self._token and self._runs(row):
                raise StoreBusy(
                    f"Another run (process {row['pid']}) is sending the feedback of this outbox.",
                    "Wait until it has finished, or stop it, then run the same command again.",
                )
            self.db.execute(
                "INSERT OR REPLACE INTO lease (ledger, holder, pid, began, expires)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    self.ledger, self._token, self.holder.pid, self.holder.began, self._end(),
                ),
            )  # fmt: skip

    def renew(self) -> None:
        """Prolong it, within the transaction of a durable step; raise StoreBusy when it is lost."""
        renewed = self.db.execute(
            "UPDATE lease SET expires = ? WHERE ledger = ? AND holder = ?",
            (self._end(), self.ledger, self._token),
        )
        if renewed.rowcount != 1:
            raise StoreBusy(
                "Another run has taken over the feedback of this outbox.",
                "Nothing is lost: see that only one relayer runs in this home folder.",
            )

    def release(self) -> None:
        """Give it back; nothing where it was lost before."""
        with transaction(self.db):
            self.db.execute(
                "DELETE FROM lease WHERE ledger = ? AND holder = ?", (self.ledger, self._token)
            )

    def _end(self) -> int:
        return int(self._clock()) + self._seconds

    def _runs(self, row: sqlite3.Row) -> bool:
        # One that ends later than a new one would was taken before the clock was set back.
        left = row["expires"] - int(self._clock())
        return 0 < left <= self._seconds and self._is_alive(Holder(row["pid"], row["began"]))
