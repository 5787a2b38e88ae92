"""Who rates which item: the two-sided graph of accounts and of what they recommend.

Like `graph.Graph` it has one form, whatever order the ratings came in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import MAX_WEIGHT, Ints, Nodes, Weights
from chainrep.reputation.units import MAX_NAME_BYTES

MAX_RATINGS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ItemGraph:
    """Ratings in ascending order of (account, item), each pair once.

    ``items`` ascend; ``account`` and ``item`` are int32, ``weight`` is uint32 in 1..65,535 and
    ``rated_at`` int64 (seconds or blocks), all of shape (ratings,).
    """

    accounts: int
    items: Sequence[str]
    account: Nodes
    item: Nodes
    weight: Weights
    rated_at: Ints

    def find(self, item: str) -> int | None:
        """The item's number, if anybody rated it."""
        i = bisect_left(self.items, item)
        return i if i < len(self.items) and self.items[i] == item else None

    def rated_by(self, account: int) -> Nodes:
        """The numbers of the items that this account rated, ascending."""
        first, last = np.searchsorted(self.account, [account, account + 1])
        return self.item[first:last]


def build_item_graph(
    accounts: int, items: Sequence[str], account: Any, item: Any, weight: Any, rated_at: Any
) -> ItemGraph:
    """Put ratings in their one form.

    ``account`` and ``item`` are numbers into ``accounts`` and ``items``. Raises InputError for
    items that do not ascend, a number that does not fit, and an item that an account rates twice.
    """
    if any(a >= b for a, b in pairwise(items)):
        raise InputError("Items must ascend, each of them once.")
    for name in items:
        if len(name.encode()) > MAX_NAME_BYTES:
            raise InputError(f"The name of an item is longer than {MAX_NAME_BYTES} bytes.")
    columns = [np.asarray(column) for column in (account, item, weight, rated_at)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InputError("Accounts, items, weights and times are four columns of one length.")
    if len(columns[0]) > MAX_RATINGS:
        raise InputError(f"There are more than {MAX_RATINGS:,} ratings.")
    bounds = ((0, accounts - 1), (0, len(items) - 1), (1, MAX_WEIGHT), (0, 2**62))
    for column, (low, high) in zip(columns, bounds, strict=True):
        if column.size and not np.issubdtype(column.dtype, np.integer):
            raise InputError("Accounts, items, weights and times are whole numbers.")
        if column.size and not (low <= column.min() and column.max() <= high):
            raise InputError(f"A number among the ratings of items lies outside {low}..{high}.")
    order = np.lexsort((columns[1], columns[0]))
    raters, rated = columns[0][order].astype(np.int32), columns[1][order].astype(np.int32)
    if np.any((raters[1:] == raters[:-1]) & (rated[1:] == rated[:-1])):
        raise InputError("An account rates an item twice.", "Keep its latest rating of each item.")
    return ItemGraph(
        accounts,
        items,
        raters,
        rated,
        columns[2][order].astype(np.uint32),
        columns[3][order].astype(np.int64),
    )
