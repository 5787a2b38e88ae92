"""Walking anew what met an account whose row changed, many walks side by side.

One walk after the other would wait for memory at almost every visit. Here up to 64 walks are read,
compared, cut, continued and written in turns, and each turn asks for what the next one needs.
"""

from __future__ import annotations

import numpy as np

from chainrep.reputation.alias import Table, chosen_account, chosen_record
from chainrep.reputation.graph import Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Word, Words, step_word
from chainrep.reputation.live_paths import (
    META,
    NEXT,
    NOT_LINKED,
    NOTHING,
    PER_CHUNK,
    PREVIOUS,
    ROOM,
    TOP,
    cut_path,
    read_path,
    write_path,
)
from chainrep.reputation.prefetch import prefetch
from chainrep.reputation.walks import LIMIT

DONE = NOTHING
_LANES = 64
_THREE, _FOUR, _LOW = np.uint64(3), np.uint64(4), np.uint64(15)


@compiled
def rewalk(
    row: Table,
    table: Table,
    stop: int,
    line: Nodes,
    met: Nodes,
    pool: Ints,
    states: Words,
    changed: int,
    visit: Word,
) -> Word:  # pragma: no cover (compiled)
    """Walk each of an account's walks anew from its first step that goes elsewhere now.

    ``visit``: where in the account's list to begin. Returns DONE, or, where chunks have run out,
    where to begin after `live_paths.grow`.
    """
    if visit == NOTHING:
        return DONE
    chance, source = np.uint64(stop), np.uint64(changed)
    path = np.empty((_LANES, LIMIT + 1), np.int32)
    walk = np.empty(_LANES, np.uint64)
    since = np.empty(_LANES, np.uint64)
    length = np.empty(_LANES, np.uint64)
    state = np.empty(_LANES, np.uint64)
    while visit != NOTHING:
        if (pool[TOP] + ROOM * _LANES) * 3 > len(line):
            return visit
        # The account's list holds first visits to it, which nothing below cuts or adds.
        many, visit = _gather(line, states, visit, walk, since)
        going = _compare(
            row, table, chance, line, met, states, source, many, path, walk, since, length, state
        )
        for k in range(going):
            cut_path(line, met, walk[k], since[k], length[k])
            length[k] = since[k]
        _go_on(row, table, chance, met, going, path, length, state)
        for k in range(going):
            for i in range(since[k], length[k]):
                head = met[np.uint64(path[k, i]), 0]
                if head != NOTHING:
                    prefetch(line, (np.uint64(head) >> _FOUR) * _THREE + PREVIOUS)
        for k in range(going):
            write_path(line, met, pool, walk[k], path[k], since[k], length[k])
    return DONE


@compiled
def _gather(
    line: Nodes, states: Words, visit: Word, walk: Words, since: Words
) -> tuple[Word, Word]:  # pragma: no cover (compiled)
    """The next walks in a list and where they stand in it; how many, and which visit follows."""
    many = np.uint64(0)
    while visit != NOTHING and many < np.uint64(_LANES):
        at, place = (np.uint64(visit) >> _FOUR) * _THREE, np.uint64(visit) & _LOW
        tag = np.uint64(line[at + PREVIOUS, META])
        walk[many] = tag >> _THREE
        since[many] = (tag & np.uint64(7)) * PER_CHUNK + place
        for part in range(_THREE):
            prefetch(line, walk[many] * _THREE + part)
        prefetch(states, walk[many])
        visit = np.int64(line[at + NEXT, place])
        if visit != NOTHING:
            at = (np.uint64(visit) >> _FOUR) * _THREE
            prefetch(line, at + NEXT)
            prefetch(line, at + PREVIOUS)
        many += np.uint64(1)
    return many, visit


@compiled
def _compare(
    row: Table,
    table: Table,
    chance: Word,
    line: Nodes,
    met: Nodes,
    states: Words,
    source: Word,
    many: Word,
    path: Nodes,
    walk: Words,
    since: Words,
    length: Words,
    state: Words,
) -> Word:  # pragma: no cover (compiled)
    """Keep the walks that go elsewhere, with ``since`` the first visit that is no longer right."""
    one, going = np.uint64(1), np.uint64(0)
    begins, degree = np.uint64(row[source, 0]), np.uint64(row[source, 1])
    for k in range(many):
        number = walk[k]
        old = np.uint64(line[number * _THREE + NEXT, META])
        read_path(line, number, old, path[going])
        for i in range(since[k], old):
            if np.uint64(path[going, i]) != source:
                continue
            word = step_word(states[number], i)
            goes: Word = NOTHING
            if i < np.uint64(LIMIT) and (word & np.uint64(0xFFFF)) >= chance and degree > 0:
                record = chosen_record(begins, degree, word)
                goes = np.int64(chosen_account(table, record, degree, word))
            went = np.int64(path[going, i + one]) if i + one < old else NOTHING
            if goes != went:
                _ask_for_neighbours(line, met, number, i + one, old)
                walk[going], since[going], length[going] = number, i + one, old
                state[going] = states[number]
                going += one
                break
    return going


@compiled
def _go_on(
    row: Table,
    table: Table,
    chance: Word,
    met: Nodes,
    going: Word,
    path: Nodes,
    length: Words,
    state: Words,
) -> None:  # pragma: no cover (compiled)
    """Continue paths to their ends, as `walks` does."""
    one = np.uint64(1)
    lane = np.empty(_LANES, np.uint64)
    record = np.empty(_LANES, np.uint64)
    drawn = np.empty(_LANES, np.uint64)
    width = np.empty(_LANES, np.uint64)
    for k in range(going):
        lane[k] = k
    running = going
    while running > 0:
        left = np.uint64(0)
        for r in range(running):
            k = lane[r]
            step = length[k] - one
            word = step_word(state[k], step)
            here = np.uint64(path[k, step])
            degree = np.uint64(row[here, 1])
            at = chosen_record(np.uint64(row[here, 0]), degree, word)
            prefetch(table, at)
            lane[left], record[left], drawn[left], width[left] = k, at, word, degree
            goes_on = (word & np.uint64(0xFFFF)) >= chance
            left += np.uint64(goes_on & (step < np.uint64(LIMIT)) & (degree > 0))
        running = left
        for r in range(running):
            k = lane[r]
            account = np.uint64(chosen_account(table, record[r], width[r], drawn[r]))
            prefetch(row, account)
            prefetch(met, account)
            path[k, length[k]] = account
            length[k] += one


@compiled
def _ask_for_neighbours(
    line: Nodes, met: Nodes, walk: Word, begin: Word, length: Word
) -> None:  # pragma: no cover (compiled)
    """Ask for what `cut_path` touches."""
    at, place = walk * _THREE, np.uint64(0)
    for i in range(length):
        if place == PER_CHUNK:
            at, place = np.uint64(line[at, META]) * _THREE, np.uint64(0)
        if i >= begin:
            following, previous = line[at + NEXT, place], line[at + PREVIOUS, place]
            prefetch(met, np.uint64(line[at, place]))
            if following >= 0:
                prefetch(line, (np.uint64(following) >> _FOUR) * _THREE + PREVIOUS)
            if previous >= 0 and following != NOT_LINKED:
                prefetch(line, (np.uint64(previous) >> _FOUR) * _THREE + NEXT)
        place += np.uint64(1)
