"""Rows of alias records that can grow and shrink, in one table of records without holes between.

A row of d links lies in a block of the least power of two >= d records. Blocks given up are kept in
a list for each size and used again. Whatever changes came before, a row's records are those that
`alias.build_alias` makes, for a row is filled anew whenever it changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrep.reputation.alias import OWN, WEIGHT, Alias, Table, fill_row
from chainrep.reputation.graph import Ints
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Word

CHANGED, UNCHANGED, ABSENT, NO_ROOM = 0, 1, 2, 3
"""What a change came to; after NO_ROOM, and only then, it has to be asked for again."""
_SIZES = 33
_TOP = np.uint64(_SIZES)
_NONE = 2**32 - 1


@dataclass(slots=True)
class LiveRows:
    """``row`` and ``table`` as in `Alias`; ``free`` lists given-up blocks.

    ``free`` is int64 of shape (34,): the first free block of each size, then how many records of
    the table have ever been in use.
    """

    row: Table
    table: Table
    free: Ints


def lay_out(alias: Alias) -> LiveRows:
    """Rows with room to grow: about twice as many records as there are links."""
    size = np.where(alias.row[:, 1] > 0, _block_sizes(alias.row[:, 1].astype(np.int64)), 0)
    used = int(size.sum())
    rows = LiveRows(
        np.empty_like(alias.row),
        np.zeros((used + used // 4 + 1024, 4), np.uint32),
        np.full(_SIZES + 1, _NONE, np.int64),
    )
    rows.free[_SIZES] = 0
    _copy_rows(alias.row, alias.table, rows.row, rows.table, rows.free)
    return rows


def grow(rows: LiveRows) -> None:
    """Make room for half as many records again, or the largest row, whichever is more."""
    largest = 2 * int(rows.row[:, 1].max()) + 2
    more = max(len(rows.table) // 2, largest)
    if len(rows.table) + more > _NONE:
        raise MemoryError("more than 2^32 records of links")
    rows.table = np.concatenate([rows.table, np.zeros((more, 4), np.uint32)])


def links(rows: LiveRows) -> tuple[Ints, Ints, Ints]:
    """Raters, ratees and weights of all links, in ascending order: int64 of shape (links,)."""
    degree = rows.row[:, 1].astype(np.int64)
    rater = np.repeat(np.arange(len(degree)), degree)
    begins = rows.row[:, 0].astype(np.int64) - (np.cumsum(degree) - degree)
    record = rows.table[begins[rater] + np.arange(len(rater))]
    return rater, record[:, 1].astype(np.int64), record[:, 3].astype(np.int64)


def _block_sizes(degree: Ints) -> Ints:
    size = np.ones_like(degree)
    while (size < degree).any():
        size[size < degree] *= 2
    return size


@compiled
def _size_of(degree: Word) -> Word:  # pragma: no cover (compiled)
    """The least k with 2^k >= degree."""
    size = np.uint64(0)
    while (np.uint64(1) << size) < degree:
        size += np.uint64(1)
    return size


@compiled
def _take(table: Table, free: Ints, degree: Word) -> Word:  # pragma: no cover (compiled)
    """A block for so many links: its first record, or _NONE where the table is full."""
    size = _size_of(degree)
    first = np.uint64(free[size])
    if first != np.uint64(_NONE):
        free[size] = np.int64(table[first, 0])
        return first
    first = np.uint64(free[_TOP])
    if first + (np.uint64(1) << size) > np.uint64(len(table)):
        return np.uint64(_NONE)
    free[_TOP] = np.int64(first + (np.uint64(1) << size))
    return first


@compiled
def _give_up(
    table: Table, free: Ints, first: Word, degree: Word
) -> None:  # pragma: no cover (compiled)
    size = _size_of(degree)
    table[first, 0] = np.uint32(free[size])
    free[size] = np.int64(first)


@compiled
def _copy_rows(
    old_row: Table, old_table: Table, row: Table, table: Table, free: Ints
) -> None:  # pragma: no cover (compiled)
    for u in range(np.uint64(len(row))):
        begins, degree = np.uint64(old_row[u, 0]), np.uint64(old_row[u, 1])
        first = np.uint64(0)
        if degree > 0:
            first = _take(table, free, degree)
        row[u, 0] = first
        row[u, 1] = degree
        for i in range(degree):
            for column in range(np.uint64(4)):
                table[first + i, column] = old_table[begins + i, column]


@compiled
def change_row(
    row: Table, table: Table, free: Ints, rater: int, ratee: int, weight: int
) -> int:  # pragma: no cover (compiled)
    """Give the link this weight, 0: remove it. Return one of the four words above."""
    u, v, one = np.uint64(rater), np.uint64(ratee), np.uint64(1)
    first, degree = np.uint64(row[u, 0]), np.uint64(row[u, 1])
    low, high = first, first + degree
    while low < high:
        middle = (low + high) >> one
        if np.uint64(table[middle, OWN]) < v:
            low = middle + one
        else:
            high = middle
    there = low < first + degree and np.uint64(table[low, OWN]) == v
    if weight == 0:
        return _remove(row, table, free, u, low - first) if there else ABSENT
    if not there:
        return _insert(row, table, free, u, low - first, v, weight)
    if np.uint64(table[low, WEIGHT]) == np.uint64(weight):
        return UNCHANGED
    table[low, WEIGHT] = weight
    fill_row(table, first, degree)
    return CHANGED


@compiled
def _remove(
    row: Table, table: Table, free: Ints, u: Word, at: Word
) -> int:  # pragma: no cover (compiled)
    first, degree, one = np.uint64(row[u, 0]), np.uint64(row[u, 1]), np.uint64(1)
    left, home = degree - one, first
    if left > 0 and _size_of(left) != _size_of(degree):
        home = _take(table, free, left)
        if home == np.uint64(_NONE):
            return NO_ROOM
    _move(table, first, home, np.uint64(0), at, False)
    _move(table, first + one, home, at, left, False)
    if home != first or left == 0:
        _give_up(table, free, first, degree)
    row[u, 0], row[u, 1] = home, left
    fill_row(table, home, left)
    return CHANGED


@compiled
def _insert(
    row: Table, table: Table, free: Ints, u: Word, at: Word, v: Word, weight: int
) -> int:  # pragma: no cover (compiled)
    first, degree, one = np.uint64(row[u, 0]), np.uint64(row[u, 1]), np.uint64(1)
    more, home = degree + one, first
    moves = degree == 0 or _size_of(more) != _size_of(degree)
    if moves:
        home = _take(table, free, more)
        if home == np.uint64(_NONE):
            return NO_ROOM
    _move(table, first, home + one, at, degree, True)
    _move(table, first, home, np.uint64(0), at, False)
    table[home + at, OWN] = v
    table[home + at, WEIGHT] = weight
    if moves and degree > 0:
        _give_up(table, free, first, degree)
    row[u, 0], row[u, 1] = home, more
    fill_row(table, home, more)
    return CHANGED


@compiled
def _move(
    table: Table, source: Word, target: Word, begin: Word, end: Word, back: bool
) -> None:  # pragma: no cover (compiled)
    """Copy links ``begin`` .. ``end`` of a row, the last one first where ``back``."""
    if source == target:
        return
    for k in range(end - begin):
        i = end - k - np.uint64(1) if back else begin + k
        table[target + i, OWN] = table[source + i, OWN]
        table[target + i, WEIGHT] = table[source + i, WEIGHT]
