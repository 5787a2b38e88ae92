"""How much of a day's money is spent, kept between one block and the next."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """What paces the spending of a daily budget.

    ``multiplier`` is the budget's price, in 2^-32 of (1/100 unit of evidence per even share of one
    block), 0 while nothing is known; ``block`` is the last one looked at, ``day`` the number of the
    UTC day since 1970, ``spent`` the wei reserved or paid on it.
    """

    multiplier: int = 0
    block: int = 0
    day: int = 0
    spent: int = 0


class Paces:
    """The pace of one ledger's relayer."""

    def __init__(self, db: sqlite3.Connection, ledger: str) -> None:
        self.db = db
        self.ledger = ledger

    def load(self) -> Pace:
        """The pace that was saved last; one that knows nothing where none was."""
        row = self.db.execute("SELECT * FROM pace WHERE ledger = ?", (self.ledger,)).fetchone()
        if row is None:
            return Pace()
        return Pace(row["multiplier"], row["block"], row["day"], int(row["spent"]))

    def save(self, pace: Pace) -> None:
        """One statement, which may be part of a transaction with what the money is spent on."""
        self.db.execute(
            "INSERT OR REPLACE INTO pace (ledger, multiplier, block, day, spent)"
            " VALUES (?, ?, ?, ?, ?)",
            (self.ledger, pace.multiplier, pace.block, pace.day, str(pace.spent)),
        )
