"""One draw, one look: alias tables that choose a trusted account in proportion to its weight.

A row of d links has d records. A random word of 32 bits times d gives the record (upper half of the
product) and a fraction (lower half): below the record's threshold the walk goes to the record's own
account, else to its other one. Every record is off by at most one word in 2^32, so no account is
chosen with a chance that differs from weight / total by more than d / 2^32.

Tables are built in integers with pairs taken in ascending order, so that a row's table is a
function of the row alone, whatever was inserted or removed before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph, Ints, Nodes, Weights
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Word

THRESHOLD, OWN, OTHER, WEIGHT = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
_MOST = 2**32 - 1

Table = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Alias:
    """Records of all rows: ``row`` is (first record, degree), uint32 of shape (accounts, 2).

    ``table`` is (threshold, own, other, weight), uint32 of shape (edges, 4): 16 bytes per edge,
    so that a record never lies across two lines of the cache.
    """

    row: Table
    table: Table


def build_alias(graph: Graph) -> Alias:
    """The tables over ``graph.out``; raise InputError above 2^32 - 1 edges."""
    out = graph.out
    if graph.edges > _MOST:
        raise InputError(f"Walks run on at most {_MOST:,} edges.")
    row, table = _built(out.start, out.node, out.weight)
    return Alias(row, table)


@compiled
def _built(
    start: Ints, node: Nodes, weight: Weights
) -> tuple[Table, Table]:  # pragma: no cover (compiled)
    row = np.empty((len(start) - 1, 2), np.uint32)
    table = np.empty((len(node), 4), np.uint32)
    for i in range(np.uint64(len(node))):
        table[i, OWN] = node[i]
        table[i, WEIGHT] = weight[i]
    for u in range(np.uint64(len(row))):
        first = np.uint64(start[u])
        degree = np.uint64(start[u + np.uint64(1)]) - first
        row[u, 0] = first
        row[u, 1] = degree
        fill_row(table, first, degree)
    return row, table


@compiled
def fill_row(table: Table, first: Word, degree: Word) -> None:  # pragma: no cover (compiled)
    """Compute the thresholds and other accounts of one row from its own accounts and weights."""
    if degree == 0:
        return
    one = np.uint64(1)
    last = first + degree
    total = np.uint64(0)
    for i in range(first, last):
        total += np.uint64(table[i, WEIGHT])
        table[i, THRESHOLD] = np.uint32(0xFFFFFFFF)
        table[i, OTHER] = table[i, OWN]
    # In units where the mean weight is `total`: what lacks is lent by the next that has too much.
    lender = _next(table, first, last, degree, total, True)
    if lender == last:
        return
    left = np.uint64(table[lender, WEIGHT]) * degree
    short = _next(table, first, last, degree, total, False)
    now, has = short, np.uint64(0)
    if short < last:
        has = np.uint64(table[short, WEIGHT]) * degree
    while now < last:
        table[now, THRESHOLD] = np.uint32(_share(has, total))
        table[now, OTHER] = table[lender, OWN]
        left -= total - has
        if left < total:  # the lender lacks now itself, and is served before any other
            now, has = lender, left
            lender = _next(table, lender + one, last, degree, total, True)
            left = np.uint64(0)
            if lender < last:
                left = np.uint64(table[lender, WEIGHT]) * degree
        else:
            short = _next(table, short + one, last, degree, total, False)
            now = short
            if short < last:
                has = np.uint64(table[short, WEIGHT]) * degree


@compiled
def _next(
    table: Table, at: Word, last: Word, degree: Word, total: Word, rich: bool
) -> Word:  # pragma: no cover (compiled)
    """The next record, or ``last``, that has at least (``rich``), or less than, the mean weight."""
    while at < last and (np.uint64(table[at, WEIGHT]) * degree >= total) != rich:
        at += np.uint64(1)
    return at


@compiled
def _share(has: Word, total: Word) -> Word:  # pragma: no cover (compiled)
    """floor(has * 2^32 / total), for has < total < 2^48."""
    half = np.uint64(16)
    if total >> np.uint64(32) == 0:
        return (has << np.uint64(32)) // total
    upper = (has << half) // total
    rest = (has << half) - upper * total
    return (upper << half) + (rest << half) // total


@compiled
def chosen_record(first: Word, degree: Word, word: Word) -> Word:  # pragma: no cover (compiled)
    """Which record the upper 32 bits of a word choose in a row."""
    return first + (((word >> np.uint64(32)) * degree) >> np.uint64(32))


@compiled
def chosen_account(
    table: Table, record: Word, degree: Word, word: Word
) -> Word:  # pragma: no cover (compiled)
    """The account, of the record's two, that the same bits choose."""
    fraction = ((word >> np.uint64(32)) * degree) & np.uint64(0xFFFFFFFF)
    column = OWN + np.uint64(fraction >= np.uint64(table[record, THRESHOLD]))
    return table[record, column]
