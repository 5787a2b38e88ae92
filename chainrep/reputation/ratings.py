"""What accounts say of each other, and how it becomes one integer weight per pair.

A weight grows with the square root of what was said, is capped, and what was said long ago counts
half as much for every half-life since: docs/protocol.md has the formula to the last floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph, Ints, Links, Nodes, build_graph, make_links

AGE_BITS = 16
MAX_AMOUNT = 10_000
"""The most that one account can say of another, in hundredths of a unit."""
MAX_RATING = 2**15 - 1
"""The most that one rating can say, in hundredths: what 16 bits with a sign hold."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Columns of ratings in any order.

    ``accounts`` ascend as UTF-8 bytes; ``rater`` and ``ratee`` are numbers of accounts, int32 of
    shape (ratings,). ``amount`` is in hundredths of a unit, below zero for a warning; ``time`` is
    Unix time in seconds; both int64.
    """

    accounts: Sequence[str]
    rater: Nodes
    ratee: Nodes
    amount: Ints
    time: Ints


def with_accounts(ratings: Ratings, names: Iterable[str]) -> Ratings:
    """The same ratings over an account list that has these names as well."""
    merged = sorted({*ratings.accounts, *names})
    if len(merged) == len(ratings.accounts):
        return ratings
    place = {name: i for i, name in enumerate(merged)}
    number = np.array([place[name] for name in ratings.accounts], np.int32)
    if not number.size:
        return replace(ratings, accounts=merged)
    return replace(
        ratings, accounts=merged, rater=number[ratings.rater], ratee=number[ratings.ratee]
    )


def graph_of(ratings: Ratings, end: int, half_life: int) -> Graph:
    """The graph of what was said before ``end`` (Unix s); ``half_life`` in seconds.

    Ratings of one pair are added up. What is above zero becomes trust, what is below a warning.
    Raises InputError for a rating beyond the limits, of oneself, or by an unknown account.
    """
    if half_life <= 0:
        raise InputError("A half-life is a whole number of seconds above zero.")
    _check(ratings)
    counted = ratings.time < end
    rater, ratee = ratings.rater[counted], ratings.ratee[counted]
    age = np.minimum((end - 1 - ratings.time[counted]) // half_life, 63)
    amount = ratings.amount[counted]
    faded = np.sign(amount) * ((np.abs(amount) << AGE_BITS) >> age)
    key = rater.astype(np.int64) << 32 | ratee
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    net = np.add.reduceat(faded[order], first) if first.size else np.zeros(0, np.int64)
    weight = _concave(net)
    pairs = key[first]
    return build_graph(
        ratings.accounts,
        _links(pairs, np.where(net > 0, weight, 0)),
        _links(pairs, np.where(net < 0, weight, 0)),
    )


def _check(ratings: Ratings) -> None:
    columns = (ratings.rater, ratings.ratee, ratings.amount, ratings.time)
    if [column.dtype for column in columns] != [np.int32, np.int32, np.int64, np.int64]:
        raise InputError("Ratings have two columns of int32 and two of int64.")
    if not ratings.amount.size:
        return
    if ratings.amount.min() < -MAX_RATING or ratings.amount.max() > MAX_RATING:
        raise InputError(f"A rating lies outside {-MAX_RATING / 100:.2f}..{MAX_RATING / 100:.2f}.")
    if ratings.time.min() < 0 or min(ratings.rater.min(), ratings.ratee.min()) < 0:
        raise InputError("A rating was made before 1970, or by or of nobody.")


def _concave(net: Ints) -> Ints:
    """floor(sqrt(100 * |net|)) with |net| in hundredths, capped: 100 for one unit, at most 1,000.

    numpy's square root rounds correctly, and for squares this small no rounding crosses a whole
    number.
    """
    capped = np.minimum(np.abs(net), MAX_AMOUNT << AGE_BITS)
    return np.asarray(np.sqrt((capped * 100) >> AGE_BITS), np.int64)


def _links(pairs: Ints, weight: Ints) -> Links:
    kept = weight > 0
    return make_links(pairs[kept] >> 32, pairs[kept] & 0xFFFFFFFF, weight[kept])
