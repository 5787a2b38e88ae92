"""The scores of one ledger, read from the local store: no chain is asked."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from chainrep.errors import InputError, StoreError, UnknownSource
from chainrep.protocol.types import EVIDENCE_UNIT, Score
from chainrep.store.events import COLUMNS, event_from
from chainrep.store.schema import MIGRATIONS
from chainrep.store.scores import IndexedSource, ScoreChange, batch_updates
from chainrep.store.standing import Standing

_BUSY_SECONDS = 30.0
_CATCH_UP = "Run `chainrep sources top` once, or `chainrep node run`, while the chain answers."


class ScoreView:
    """What the index says of each source, weighed by age: read-only, and safe in any thread.

    With a ``half_life`` (seconds) every judgement counts 2^(-age / half_life), from its block's
    time to what ``clock`` says; without one, all count in full. Every call first sees whether
    the store has changed, and then reads only what is new. A source is read when it is first asked
    for. Raises StoreError where the store cannot be read or holds no verified index.
    """

    def __init__(
        self,
        store: Path,
        ledger: str,
        half_life: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if half_life is not None and not 0 < half_life < float("inf"):
            raise InputError(f"A half-life is a time above 0, not {half_life:g} seconds.")
        self.ledger = ledger
        self.half_life = half_life
        self._clock = clock
        self._lock = RLock()
        self._entries: dict[int, _Entry] = {}
        self._version = self._id = self._generation = self._nonce = -1
        self._archive = False
        self._block = self._as_of = 0
        self._db = _open(store)
        try:
            with self._current():
                pass
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        self._db.close()

    @property
    def block(self) -> int:
        """The block up to which this view has seen the chain."""
        with self._current():
            return self._block

    @property
    def as_of(self) -> int:
        """That block's time, in Unix seconds."""
        with self._current():
            return self._as_of

    def standing(self, source: int) -> Standing:
        """One source, now; raise UnknownSource for an id that is not registered."""
        with self._current():
            entry = self._entries.get(source)
            if entry is None:
                with self._snapshot():
                    if not self._db.execute(_IS_SOURCE, (self._id, source)).fetchone():
                        raise UnknownSource(
                            f"No source had the id {source} at block {self._block}.",
                            "`chainrep source list` shows the registered ones.",
                        )
                    self._load("AND source = ?", (source,))
                    entry = self._entries.setdefault(source, _Entry(source))
            return entry.standing(self._clock(), self.half_life)

    def standings(self) -> Mapping[int, Standing]:
        """Every registered source by id, retired ones included."""
        with self._current(), self._snapshot():
            known = [row[0] for row in self._db.execute(_IDS, (self._id,))]
            if any(source not in self._entries for source in known):
                self._entries.clear()
                self._load()
                for source in known:
                    self._entries.setdefault(source, _Entry(source))
            now = self._clock()
            return {source: self._entries[source].standing(now, self.half_life) for source in known}

    def history(self, source: int) -> Sequence[ScoreChange]:
        """Every change of one source's score, oldest first; empty for an unknown source."""
        with self._current(), self._snapshot():
            rows = self._db.execute(
                f"SELECT {_CHANGE} FROM score_change WHERE ledger = ? AND source = ?"  # noqa: S608 (our own)
                " ORDER BY block, log",
                (self._id, source),
            )
            return [ScoreChange(*row) for row in rows]

    def sources(self) -> Sequence[IndexedSource]:
        """Every registered source, by id."""
        with self._current(), self._snapshot():
            rows = self._db.execute(
                "SELECT id, owner, uri, registered_at, retired, rotations, agent"
                " FROM indexed_source WHERE ledger = ? ORDER BY id",
                (self._id,),
            )
            return [
                IndexedSource(i, owner, uri, since, bool(retired), rotations, agent and int(agent))
                for i, owner, uri, since, retired, rotations, agent in rows
            ]

    @contextmanager
    def _current(self) -> Iterator[None]:
        with self._lock:
            try:
                if self._data_version() != self._version:
                    with self._snapshot():
                        pass
                yield
            except sqlite3.Error as error:
                raise _unreadable(error) from error

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the store for several reads, with the entries brought up to it."""
        self._db.execute("BEGIN")
        try:
            version = self._data_version()
            if version != self._version:
                self._catch_up()
                self._version = version
            yield
        finally:
            self._db.execute("ROLLBACK")

    def _data_version(self) -> int:
        """A number that changes with every commit of another connection."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _catch_up(self) -> None:
        row = self._db.execute(_HEAD, (self.ledger,)).fetchone()
        if row is None:
            raise StoreError(f"The store holds no index of {self.ledger} yet.", _CATCH_UP)
        ledger, generation, block, as_of, archive, verified = row
        if not verified:
            raise StoreError(
                f"The index is being filled: up to block {block} it was not yet compared with the"
                " contracts.",
                "Wait until it has reached the head of the chain.",
            )
        if (ledger, generation) != (self._id, self._generation):
            self._entries.clear()
            self._nonce = 0
        self._archive = bool(archive)
        rows = self._db.execute(_BATCHES, (ledger, self._nonce))
        for event in map(event_from, rows) if self._entries else ():
            for update in batch_updates(event, self._archive):
                entry = self._entries.get(update.source)
                if entry is not None:
                    deltas = (update.supported, update.contradicted, update.used, update.asked)
                    entry.add(event.values["time"], deltas, self.half_life)
        self._nonce = self._db.execute(_LAST_NONCE, (ledger,)).fetchone()[0] or 0
        self._id, self._generation, self._block, self._as_of = ledger, generation, block, as_of

    def _load(self, condition: str = "", parameters: Sequence[object] = ()) -> None:
        """Read sources that are not in memory, all or those of a condition."""
        columns = "supported, contradicted, used, asked"
        if self.half_life is None:
            query = f"SELECT source, updated_at, {columns} FROM score WHERE ledger = ? {condition}"  # noqa: S608 (our own)
        else:
            query = (
                f"SELECT source, time, {columns} FROM score_change WHERE ledger = ? {condition}"  # noqa: S608 (our own)
                " ORDER BY source, block, log"
            )
        rows = self._db.execute(query, (self._id, *parameters))
        for source, when, *deltas in rows:
            entry = self._entries.get(source) or self._entries.setdefault(source, _Entry(source))
            entry.add(when, deltas, self.half_life)


class _Entry:
    """A source's running sums: the ledger's integers, and as they weigh at the last change."""

    __slots__ = ("counters", "source", "sums", "time")

    def __init__(self, source: int) -> None:
        self.source = source
        self.time = 0
        self.counters = [0, 0, 0, 0]
        self.sums = [0.0, 0.0, 0.0, 0.0]

    def add(self, when: int, deltas: Sequence[int], half_life: float | None) -> None:
        """Add a change; block times never fall, so that the sums only ever age."""
        self.counters = [total + delta for total, delta in zip(self.counters, deltas, strict=True)]
        if half_life is not None:
            left = 0.5 ** ((when - self.time) / half_life)
            self.sums = [s * left + delta for s, delta in zip(self.sums, deltas, strict=True)]
        self.time = when

    def standing(self, now: float, half_life: float | None) -> Standing:
        s, c, u, a = self.counters
        score = Score(self.source, s, c, u, a, self.time)
        if half_life is None:
            unit = EVIDENCE_UNIT
            return Standing(score, s / unit, c / unit, u / unit, a / unit)
        # A clock behind the chain's makes nothing weigh more than in full.
        weight = 0.5 ** (max(0.0, now - self.time) / half_life) / EVIDENCE_UNIT
        s2, c2, u2, a2 = self.sums
        return Standing(score, s2 * weight, c2 * weight, u2 * weight, a2 * weight)


_CHANGE = "block, log, time, supported, contradicted, used, asked"
_HEAD = (
    "SELECT id, generation, block, time, json_extract(state, '$.archive'), verified"
    " FROM indexed_ledger JOIN checkpoint ON checkpoint.ledger = id"
    " WHERE indexed_ledger.ledger = ? ORDER BY block DESC LIMIT 1"
)
_IDS = "SELECT id FROM indexed_source WHERE ledger = ? ORDER BY id"
_IS_SOURCE = "SELECT 1 FROM indexed_source WHERE ledger = ? AND id = ?"
_BATCHES = (
    f"SELECT {COLUMNS} FROM event WHERE ledger = ? AND name = 'BatchApplied' AND subject > ?"  # noqa: S608 (our own)
    " ORDER BY subject"
)
_LAST_NONCE = "SELECT max(subject) FROM event WHERE ledger = ? AND name = 'BatchApplied'"


def _open(store: Path) -> sqlite3.Connection:
    if not store.exists():
        raise StoreError(f"There is no store at {store} yet.", _CATCH_UP)
    try:
        db = sqlite3.connect(
            f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    if version != len(MIGRATIONS):
        db.close()
        raise StoreError(f"The store has schema {version}, not {len(MIGRATIONS)}.", _CATCH_UP)
    return db


def _unreadable(error: sqlite3.Error) -> StoreError:
    return StoreError(f"The store cannot be read ({error}).", "Check it with `chainrep doctor`.")
