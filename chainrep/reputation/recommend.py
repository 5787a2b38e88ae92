"""What to read next: items ranked by the accounts that a reader trusts, and by its own taste.

This is SALSA (Lempel and Moran, 2000) on ratings that are worth the trust of whoever gives them.
An account divides its trust among the items that it rates; the parts are the weights of the links,
and attention walks from accounts to items and back by these weights. So trust is where the walk
comes to rest, and this bounds everybody for ever: attention that starts with at most k times an
account's trust never exceeds k times its trust, at any step, however many accounts and ratings
somebody makes (`MOST_PER_TRUST` is k, and the bound survives the rounding: floors only take away).
Accounts without trust change no bit of the result.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import Ints, Nodes
from chainrep.reputation.item_graph import ItemGraph
from chainrep.reputation.pagerank import Scores
from chainrep.reputation.units import UNIT

ROUNDS = 4
"""Steps from accounts to items: the reader's own, those of its like, of their like, once more."""
TRUST = 2**32 - 1
"""All trust together; at most 2^32, so that `_portions` is exact in 64 bits."""
READER_PART = 16
"""The reader holds 1/16 of the trust, whatever its score: its own taste is certain."""
LEAST_SPREAD = 8
"""An account with fewer items than this gives each of them 1/8 of its trust, and not more."""
READER_BOUND = 8
"""The attention that starts with the reader is at most this many times its trust (`_start`)."""
MOST_PER_TRUST = READER_BOUND + 1
"""Nobody ever holds more attention than this many times its trust: the rest starts as 1 per 1."""
MAX_SCORE = 2**62


@dataclass(frozen=True, slots=True)
class Reason:
    """One account's part of an item's score, in the same unit."""

    account: int
    part: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An item, its score in units of 2^-50 of all attention, and who brought most of it."""

    item: str
    score: int
    reasons: tuple[Reason, ...]


def recommend(
    graph: ItemGraph,
    trust: Scores | Ints,
    now: int,
    half_life: int,
    reader: int | None = None,
    without: Collection[str] = (),
    most: int = 10,
    reasons: int = 3,
) -> list[Recommendation]:
    """The best items, best first, ties by name; none that the reader rated or that are ``without``.

    ``trust``: one whole number per account, from `public_scores` or from walks of the reader;
    ``now`` and ``half_life`` are in the unit of ``graph.rated_at``. Raises InputError for trust
    that does not fit the graph, a rating from the future, and a reader that is not in it.
    """
    part = attention(graph, trust, now, half_life, reader)
    score = np.zeros(len(graph.items), np.uint64)
    np.add.at(score, graph.item, part)
    if reader is not None:
        score[graph.rated_by(reader)] = 0
    seen = [graph.find(name) for name in without]
    score[[i for i in seen if i is not None]] = 0
    # Items ascend by name, and a stable sort keeps them so among equals.
    best = np.argsort(-score.astype(np.int64), kind="stable")[: max(0, most)]
    return [
        Recommendation(graph.items[i], int(score[i]), _reasons(graph, part, int(i), reasons))
        for i in best
        if score[i]
    ]


def attention(
    graph: ItemGraph, trust: Scores | Ints, now: int, half_life: int, reader: int | None = None
) -> Scores:
    """What each rating brings its item in all rounds together: uint64 of shape (ratings,).

    The sum over any set of accounts is at most ``ROUNDS * MOST_PER_TRUST`` times its part of the
    trust of all who rated, in units of 2^-50. Raises InputError as `recommend`.
    """
    if reader is not None and not 0 <= reader < graph.accounts:
        raise InputError("The reader is not an account of the graph.")
    worth = worths(graph, trust, now, half_life, reader)
    by_account, by_item = np.zeros(graph.accounts, np.uint64), np.zeros(len(graph.items), np.uint64)
    np.add.at(by_account, graph.account, worth)
    np.add.at(by_item, graph.item, worth)
    held = _start(by_account, reader)
    brought = np.zeros(len(worth), np.uint64)
    for _ in range(ROUNDS):
        given = _portions(held, by_account, graph.account, worth)
        brought += given
        items = np.zeros(len(graph.items), np.uint64)
        np.add.at(items, graph.item, given)
        held = np.zeros(graph.accounts, np.uint64)
        np.add.at(held, graph.account, _portions(items, by_item, graph.item, worth))
    return brought


def worths(
    graph: ItemGraph, trust: Scores | Ints, now: int, half_life: int, reader: int | None = None
) -> Scores:
    """The trust in each rating, in parts of `TRUST`: uint64 of shape (ratings,).

    A weight loses half per ``half_life`` (a shift). An account's trust is divided among its items
    by these weights; what faded ones leave over is nobody's, so old ratings count less.
    """
    if trust.shape != (graph.accounts,) or trust.dtype not in (np.int64, np.uint64):
        raise InputError("Trust is one 64-bit whole number for each account.")
    if trust.size and not (int(trust.min()) >= 0 and int(trust.max()) <= MAX_SCORE):
        raise InputError(f"A trust score lies outside 0..{MAX_SCORE}.")
    if half_life < 1:
        raise InputError("A half-life is at least 1.")
    age = now - graph.rated_at
    if age.size and age.min() < 0:
        raise InputError("A rating of an item comes from the future.", "Check the clock.")
    shift = np.minimum(age // half_life, 63).astype(np.uint64)
    fresh = graph.weight.astype(np.uint64) << np.uint64(16)  # weights have sixteen bits
    faded = fresh >> shift
    whole, heaviest = np.zeros(graph.accounts, np.uint64), np.zeros(graph.accounts, np.uint64)
    np.add.at(whole, graph.account, faded)
    np.maximum.at(heaviest, graph.account, fresh)
    whole = np.maximum(whole, heaviest * np.uint64(LEAST_SPREAD))
    # Below 2^32 times below 2^32: exact.
    share = _in_parts(graph, trust, reader)[graph.account]
    return np.asarray(share * faded // np.maximum(whole, 1)[graph.account])


def _in_parts(graph: ItemGraph, trust: Scores | Ints, reader: int | None) -> Scores:
    """Each account's part of `TRUST`; exact, with Python's unbounded integers."""
    raters = np.unique(graph.account)
    scores = [0 if int(a) == reader else int(trust[a]) for a in raters]
    whole = sum(scores)
    room = TRUST
    parts = np.zeros(graph.accounts, np.uint64)
    if reader is not None and len(graph.rated_by(reader)):
        parts[reader] = TRUST // READER_PART
        room -= TRUST // READER_PART
    for account, score in zip(raters, scores, strict=True):
        if score:
            parts[account] = room * score // whole
    return parts


def _start(by_account: Scores, reader: int | None) -> Scores:
    """Where attention starts: half with the reader, the rest with everybody as they are trusted.

    Where the reader's own ratings have faded, its trust and with it its half shrink.
    """
    whole = int(by_account.sum())
    if not whole:
        return np.zeros(len(by_account), np.uint64)
    own = 0
    if reader is not None:
        own = min(UNIT // 2, UNIT * READER_BOUND * int(by_account[reader]) // whole)
    rest = UNIT - own
    # UNIT // whole would lose up to half of it: split into a quotient and an exact remainder.
    all_trust = np.full(1, whole, np.uint64)
    node = np.zeros(len(by_account), np.int32)
    held = _portions(np.full(1, rest, np.uint64), all_trust, node, by_account)
    if reader is not None:
        held[reader] += np.uint64(own)
    return held


def _portions(held: Scores, whole: Scores, node: Nodes, part: Scores) -> Scores:
    """``floor(held[node] * part / whole[node])``: exact, as ``part <= whole < 2^32``."""
    divisor = np.maximum(whole, np.uint64(1))
    each, left = held // divisor, held % divisor
    return each[node] * part + left[node] * part // divisor[node]


def _reasons(graph: ItemGraph, part: Scores, item: int, most: int) -> tuple[Reason, ...]:
    of_item = np.flatnonzero((graph.item == item) & (part > 0))
    best = sorted(of_item, key=lambda i: (-int(part[i]), int(graph.account[i])))[: max(0, most)]
    return tuple(Reason(int(graph.account[i]), int(part[i])) for i in best)
