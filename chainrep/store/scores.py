"""What follows from the events: who the sources are, every source's score, and how it came about.

All of it can be made again from the events; `remove_derived` takes back what blocks above some
height did, so that events and scores never tell different stories.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.compact_batch import unpack_compact
from chainrep.protocol.score_update import unpack_updates
from chainrep.protocol.types import ScoreUpdate
from chainrep.store.events import COLUMNS, event_from

_REGISTRY = "('SourceRegistered', 'SourceRotated', 'SourceRetired', 'AgentBound')"


@dataclass(frozen=True, slots=True)
class IndexedSource:
    """A source as the events tell; ``registered_at`` is in Unix seconds.

    ``agent`` is the ERC-8004 agent that it was last tied to, None for none.
    """

    id: int
    owner: str
    uri: str
    registered_at: int
    retired: bool
    rotations: int
    agent: int | None


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """What one batch added to one source: deltas in 1/100 of a unit, time in Unix seconds."""

    block: int
    log: int
    time: int
    supported: int
    contradicted: int
    used: int
    asked: int


def batch_updates(event: ChainEvent, archive: bool) -> Sequence[ScoreUpdate]:
    """The updates of a BatchApplied event that count.

    An archive takes any bytes: a batch that does not decode counts for nothing there. Elsewhere the
    ledger has checked the form, so that another one cannot be true: InputError.
    """
    packed = event.values["updates"]
    if not archive:
        return unpack_updates(packed)
    try:
        return unpack_compact(packed)
    except InputError:
        return ()


def add_derived(
    db: sqlite3.Connection, ledger: int, events: Iterable[ChainEvent], archive: bool
) -> None:
    """Let events take effect; to be called within a transaction.

    Raises InputError for an event that contradicts what came before it.
    """
    changes: list[tuple[int, ...]] = []
    sums: dict[int, list[int]] = {}
    for event in events:
        if event.name == "BatchApplied":
            time = event.values["time"]
            for update in batch_updates(event, archive):
                deltas = (update.supported, update.contradicted, update.used, update.asked)
                changes.append((ledger, update.source, event.block, event.log, time, *deltas))
                known = sums.get(update.source, (0, 0, 0, 0))
                added = [total + delta for total, delta in zip(known, deltas, strict=False)]
                sums[update.source] = [*added, time]
        elif event.contract == "SourceRegistry":
            _change_source(db, ledger, event)
    changes.sort()  # neighbours share pages
    db.executemany("INSERT INTO score_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", changes)
    db.executemany(
        "INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " supported = supported + excluded.supported,"
        " contradicted = contradicted + excluded.contradicted,"
        " used = used + excluded.used, asked = asked + excluded.asked,"
        " updated_at = excluded.updated_at",
        [(ledger, source, *sums[source]) for source in sorted(sums)],
    )


def remove_derived(db: sqlite3.Connection, ledger: int, above: int, archive: bool) -> None:
    """Undo what events above a block did, while they are still stored; within a transaction."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM event WHERE ledger = ? AND block > ? ORDER BY block, log",  # noqa: S608 (column names are our own)
        (ledger, above),
    )
    removed = list(map(event_from, rows))
    applied = [event for event in removed if event.name == "BatchApplied"]
    judged = {update.source for event in applied for update in batch_updates(event, archive)}
    for source in judged:
        _rebuild_score(db, ledger, source, above)
    for source in {e.subject for e in removed if e.contract == "SourceRegistry" and e.subject}:
        db.execute("DELETE FROM indexed_source WHERE ledger = ? AND id = ?", (ledger, source))
        left = db.execute(
            f"SELECT {COLUMNS} FROM event WHERE ledger = ? AND name IN {_REGISTRY}"  # noqa: S608 (our own)
            " AND subject = ? AND block <= ? ORDER BY block, log",
            (ledger, source, above),
        )
        for event in map(event_from, left.fetchall()):
            _change_source(db, ledger, event)


def _rebuild_score(db: sqlite3.Connection, ledger: int, source: int, above: int) -> None:
    place = (ledger, source)
    later = "FROM score_change WHERE ledger = ? AND source = ? AND block > ?"
    undone = db.execute(
        f"SELECT sum(supported), sum(contradicted), sum(used), sum(asked) {later}",
        (*place, above),
    ).fetchone()
    db.execute(f"DELETE {later}", (*place, above))
    last = db.execute(
        "SELECT time FROM score_change WHERE ledger = ? AND source = ?"
        " ORDER BY block DESC, log DESC LIMIT 1",
        place,
    ).fetchone()
    if last is None:
        db.execute("DELETE FROM score WHERE ledger = ? AND source = ?", place)
        return
    db.execute(
        "UPDATE score SET supported = supported - ?, contradicted = contradicted - ?,"
        " used = used - ?, asked = asked - ?, updated_at = ? WHERE ledger = ? AND source = ?",
        (*undone, last[0], *place),
    )


def _change_source(db: sqlite3.Connection, ledger: int, event: ChainEvent) -> None:
    values = event.values
    if event.name == "SourceRegistered":
        db.execute(
            "INSERT INTO indexed_source (ledger, id, owner, uri, registered_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (ledger, values["id"], values["owner"], values["uri"], values["time"]),
        )
        return
    if "id" not in values:
        return
    before = ""
    parameters: tuple[object, ...] = (ledger, values["id"])
    if event.name == "SourceRotated":
        change, before = "owner = ?, rotations = ?", "AND owner = ? AND rotations = ?"
        parameters = (values["to"], values["rotations"], *parameters)
        parameters += (values["from"], values["rotations"] - 1)
    elif event.name == "SourceRetired":
        change = "retired = 1"
    else:
        change = "agent = ?"
        parameters = (str(values["agentId"]), *parameters)
    statement = f"UPDATE indexed_source SET {change} WHERE ledger = ? AND id = ? {before}"  # noqa: S608 (our own)
    if db.execute(statement, parameters).rowcount != 1:
        raise InputError(f"{event.name} of source {values['id']} does not follow what was before.")
