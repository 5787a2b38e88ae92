"""How much of one ledger's feedback is where, read beside whoever writes the store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chainrep.errors import StoreError

READ_SECONDS = 1.0
_CHECK_EVERY = 10_000
"""SQLite instructions between two looks at the clock."""

_WAITING = "FROM feedback WHERE ledger = ? AND batch IS NULL AND refused IS NULL"
_PENDING = f"SELECT count(*) {_WAITING}"
_OLDEST = f"SELECT time {_WAITING} ORDER BY id LIMIT 1"
_OPEN = "SELECT count(*) FROM batch WHERE ledger = ? AND state = 'open'"
_IN_FLIGHT = (
    "SELECT count(*) FROM batch JOIN feedback ON feedback.batch = batch.id"
    " WHERE batch.ledger = ? AND state = 'open'"
)
_APPLIED = (
    "SELECT count(*) FROM batch JOIN feedback ON feedback.batch = batch.id"
    " WHERE batch.ledger = ? AND state = 'applied'"
)
_REFUSED = "SELECT count(*) FROM feedback WHERE ledger = ? AND refused IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Feedback records by where they are, and batches that are not confirmed.

    ``oldest_pending`` is the Unix time of the record that has waited longest, None where none
    waits. ``applied`` and ``refused`` are None where the store is too large to count them in time.
    """

    pending: int
    oldest_pending: int | None
    in_flight: int
    open_batches: int
    applied: int | None
    refused: int | None


def read_backlog(
    store: Path,
    ledger: str,
    seconds: float = READ_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Backlog:
    """Count with a connection of its own that cannot write, for ``seconds`` at most.

    Raises StoreError where the store cannot be read, or not even the queue be counted in time.
    """
    deadline = clock() + seconds
    try:
        uri = f"{store.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=seconds)) as db:
            db.set_progress_handler(lambda: clock() > deadline, _CHECK_EVERY)

            def number(query: str) -> int:
                return int(db.execute(query, (ledger,)).fetchone()[0])

            def number_in_time(query: str) -> int | None:
                try:
                    return number(query)
                except sqlite3.OperationalError:
                    if clock() > deadline:
                        return None
                    raise

            oldest = db.execute(_OLDEST, (ledger,)).fetchone()
            return Backlog(
                pending=number(_PENDING),
                oldest_pending=int(oldest[0]) if oldest else None,
                in_flight=number(_IN_FLIGHT),
                open_batches=number(_OPEN),
                applied=number_in_time(_APPLIED),
                refused=number_in_time(_REFUSED),
            )
    except sqlite3.Error as error:
        raise StoreError(
            f"The store cannot be read ({error}).", "Check it with `chainrep doctor`."
        ) from error
