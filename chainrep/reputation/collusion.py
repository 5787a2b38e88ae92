"""Near-copies: accounts that say again what others said before them, and how little that adds.

An *opinion* is an account together with "for" or "against"; who rates holds opinions. Two accounts
are near-copies when they share opinions that hardly anybody else holds. How one account `i` looks
at all others, in whole numbers only:

1. The witnesses of an opinion are its holders; where there are more than 256, those 256 with the
   lowest ``mix(number ^ salt)``. The same accounts are drawn for all opinions of a crowd, so that
   a crowd of any size still meets itself.
2. An opinion that `i` voiced when `n` accounts had voiced any, and `h` had voiced this one (of two
   in the same second, the lower number was first), tells ``floor(log2(n // (h + 1)))`` bits, or
   nothing where that is below 3. `j` is like `i` when it is a witness of at least 3 of `i`'s
   opinions, which tell at least 14 bits together, and neither holds more than 7 opinions for each
   one shared and 7 more. Who hides among more opinions than that has handed seven eighths of its
   trust to others.
3. An opinion of `i` is close-knit when at least one of the witnesses who voiced it before `i`, and
   at least a quarter of them, are like `i`. This does the work: what is said of a popular account
   is shared by many who have nothing else in common, and a group of copies does not make its own
   opinions popular, however large it grows.
4. `j` is a near-copy of `i` when it passes step 2 on close-knit opinions alone. Steps 3 and 4 are
   done three times, each time with the last near-copies in place of those like `i`. A near-copy
   came before `i` when it voiced more of the last close-knit opinions earlier than later; in a
   tie, when its number is lower.

An account with `e` earlier near-copies hands on ``65,536 >> e`` parts of 65,536 of its trust, and
never less than one part. So whoever came first stays whole, the second counts half, and k accounts
that are all near-copies of each other count, beside these single parts, for less than two of them,
in whatever order they spoke (Landau 1953: no tournament's scores are more spread than 0..k-1, and
2^-e is convex).

An account is judged by those before it alone: accounts that voice each of its opinions later than
it did, a million copies of it among them, change nothing about what it may hand on (while no
opinion has more than 256 holders). So the first of a group keep their weight where they are few
among many honest holders of the same opinion: what is left of the group is these.

What remains possible: accounts that share fewer than three opinions are never copies (the walk's
own limits hold them). A crowd of more than 256 counts for about one in a hundred. Times are
believed, so they have to come from the chain. Who guesses three rare opinions of somebody before
they are voiced, at a size like that account's, makes it count less; who fills the log with accounts
that say one thing each makes everything look rare; and copies that are an eighth of all accounts
look like everybody. So give only ratings by accounts that trust reaches, where none of it is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import mix
from chainrep.reputation.ratings import Ratings
from chainrep.reputation.units import WHOLE

WITNESSES = 256
"""Holders of one opinion that are looked at: work and memory grow with the ratings alone."""
SUPPORT = 3
"""Opinions that near-copies share at least."""
DILUTION = 7
"""Opinions that a near-copy may hold for each one that it shares, and as many more."""
RARE = 3
"""Bits below which an opinion tells nothing: an eighth of all accounts had it before."""
SURPRISE = 14
"""Bits of surprise in what near-copies share: three opinions that one in 25 accounts holds."""
KNIT = 4
"""An opinion is close-knit when one in so many of its earlier holders is alike."""
ROUNDS = 3
"""How often close-knit opinions and near-copies are found from each other."""
_AFTER, _BEFORE = 1, 2


@dataclass(frozen=True, slots=True)
class NearCopies:
    """What was found, by account.

    ``earlier`` (uint32) counts the near-copies that came before. ``passing`` (uint32, 1..65,536 of
    65,536) is how much of its trust an account may hand on, as `public_scores` takes it. ``group``
    (int32) is the lowest number among all that are tied together by being near-copies, -1 for who
    is a near-copy of nobody; it is for show, nothing is computed from it.
    """

    earlier: NDArray[np.uint32]
    passing: NDArray[np.uint32]
    group: Nodes

    @property
    def groups(self) -> Sequence[Sequence[int]]:
        """The groups by their lowest members, each ascending."""
        members = np.flatnonzero(self.group >= 0)
        ordered = members[np.argsort(self.group[members], kind="stable")]
        cuts = np.flatnonzero(np.diff(self.group[ordered])) + 1
        return [part.tolist() for part in np.split(ordered, cuts) if part.size]


def find_near_copies(ratings: Ratings, salt: int = 0) -> NearCopies:
    """Who repeats whom in these ratings, whatever their order.

    What one account says of another is added up; zero is no opinion, and an opinion is as old as
    the first rating on its side. ``salt`` (0..2^64-1) draws the witnesses: a number that nobody
    knew when the accounts were made. Raises InputError for a salt out of range, a rating of
    oneself, or an account that does not exist.
    """
    if not 0 <= salt < 2**64:
        raise InputError("The salt of the witnesses is a number of 64 bits.")
    size = len(ratings.accounts)
    for column in (ratings.rater, ratings.ratee):
        if column.size and not (column.min() >= 0 and column.max() < size):
            raise InputError("A rating names an account that does not exist.")
    if (ratings.rater == ratings.ratee).any():
        raise InputError("An account rates itself.")
    holder, opinion, voiced = _opinions(ratings)
    by_holder = _starts(holder, size)
    drawn = _drawn(np.arange(size, dtype=np.uint64), np.uint64(salt))
    order = np.lexsort((drawn[holder], opinion))
    by_opinion = _starts(opinion[order], 2 * size)
    earlier, group = _look(
        by_holder,
        opinion,
        voiced,
        _surprise(holder, opinion, voiced),
        by_opinion,
        holder[order].astype(np.int32),
        voiced[order],
    )
    passing = np.maximum(np.uint32(WHOLE) >> np.minimum(earlier, np.uint32(31)), np.uint32(1))
    return NearCopies(earlier, passing, group)


def _opinions(ratings: Ratings) -> tuple[Ints, Ints, Ints]:
    """Holder, opinion (twice the ratee, one more if against) and time; by holder, then opinion."""
    key = ratings.rater.astype(np.int64) << 32 | ratings.ratee
    order = np.lexsort((ratings.time, key))
    key, amount, time = key[order], ratings.amount[order], ratings.time[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not first.size:
        return key, key, key
    net = np.sign(np.add.reduceat(amount, first))
    of_pair = np.cumsum(np.diff(key, prepend=-1) != 0) - 1
    voiced = np.where(np.sign(amount) == net[of_pair], time, np.iinfo(np.int64).max)
    voiced = np.minimum.reduceat(voiced, first)
    held = net != 0
    pair = key[first][held]
    return pair >> 32, (pair & 0xFFFFFFFF) * 2 + (net[held] < 0), voiced[held]


def _surprise(holder: Ints, opinion: Ints, voiced: Ints) -> Ints:
    """Whole bits that each opinion tells of its holder, from what was said before: step 2."""
    if not holder.size:
        return holder
    arrived = np.minimum.reduceat(voiced, np.flatnonzero(np.diff(holder, prepend=-1)))
    present = np.searchsorted(np.sort(arrived), voiced)
    order = np.lexsort((holder, voiced, opinion))
    ordered = opinion[order]
    agreed = np.empty_like(present)
    agreed[order] = np.arange(order.size) - np.searchsorted(ordered, ordered)
    # frexp is exact for whole numbers below 2^53: the exponent is the length in bits.
    _, length = np.frexp((present // (agreed + 1)).astype(np.float64))
    told = length.astype(np.int64) - 1
    return np.where(told >= RARE, told, 0)


def _starts(keys: Ints, size: int) -> Ints:
    """Where each key's row starts among ascending keys: int64 of shape (size + 1,)."""
    start = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=size), out=start[1:])
    return start


@compiled
def _drawn(
    number: NDArray[np.uint64], salt: np.uint64
) -> NDArray[np.uint64]:  # pragma: no cover (compiled)
    found = np.empty_like(number)
    for i in range(len(number)):
        found[i] = mix(number[i] ^ salt)
    return found


@compiled
def _look(
    mine: Ints,
    opinion: Ints,
    voiced: Ints,
    bits: Ints,
    theirs: Ints,
    witness: Nodes,
    spoke: Ints,
) -> tuple[NDArray[np.uint32], Nodes]:  # pragma: no cover (compiled)
    """Earlier near-copies and group of each account, by the four steps above."""
    size = len(mine) - 1
    alike = np.zeros(size, np.uint8)
    count = np.zeros(size, np.int64)  # shared opinions, and their bits of surprise times 2^32
    lead = np.zeros(size, np.int32)
    met = np.empty(size, np.int32)
    earlier = np.zeros(size, np.uint32)
    root = np.arange(size).astype(np.int32)
    tied = np.zeros(size, np.uint8)
    for i in range(size):
        if mine[i + 1] - mine[i] < SUPPORT:
            continue
        found = _meet(i, mine, opinion, bits, theirs, witness, count, met)
        left = _sift(i, mine, met[:found], count, lead, alike)
        for _ in range(ROUNDS):
            if left:
                _knit(i, mine, opinion, voiced, bits, theirs, witness, spoke, alike, count, lead)
                left = _sift(i, mine, met[:found], count, lead, alike)
        for j in met[:found]:
            if alike[j]:
                earlier[i] += alike[j] == _BEFORE
                tied[i] = tied[j] = 1
                _tie(root, i, j)
            alike[j] = 0
    for i in range(size):
        root[i] = root[root[i]] if tied[i] else -1
    return earlier, root


@compiled
def _meet(
    i: int,
    mine: Ints,
    opinion: Ints,
    bits: Ints,
    theirs: Ints,
    witness: Nodes,
    count: Ints,
    met: Nodes,
) -> int:  # pragma: no cover (compiled)
    """Count the opinions of i by witness; how many witnesses other than i ``met`` then names."""
    found = 0
    count[i] = 1  # so that it does not meet itself
    for p in range(np.uint64(mine[i]), np.uint64(mine[i + 1])):
        first = theirs[np.uint64(opinion[p])]
        last = min(theirs[np.uint64(opinion[p]) + np.uint64(1)], first + WITNESSES)
        told = (bits[p] << 32) + 1
        for q in range(np.uint64(first), np.uint64(last)):
            j = np.uint64(witness[q])
            if count[j] == 0:
                met[np.uint64(found)] = witness[q]
                found += 1
            count[j] += told
    count[i] = 0
    return found


@compiled
def _sift(
    i: int, mine: Ints, met: Nodes, count: Ints, lead: Nodes, alike: NDArray[np.uint8]
) -> int:  # pragma: no cover (compiled)
    """Step 2: mark who shares enough, clear the counts, and say how many those are."""
    left = 0
    for j in met:
        most = max(mine[i + 1] - mine[i], mine[j + 1] - mine[j])
        shared = count[j] & 0xFFFFFFFF
        alike[j] = 0
        if shared >= SUPPORT and DILUTION * (shared + 1) >= most and count[j] >> 32 >= SURPRISE:
            left += 1
            alike[j] = _BEFORE if lead[j] > 0 or (lead[j] == 0 and j < i) else _AFTER
        count[j] = lead[j] = 0
    return left


@compiled
def _knit(
    i: int,
    mine: Ints,
    opinion: Ints,
    voiced: Ints,
    bits: Ints,
    theirs: Ints,
    witness: Nodes,
    spoke: Ints,
    alike: NDArray[np.uint8],
    count: Ints,
    lead: Nodes,
) -> None:  # pragma: no cover (compiled)
    """Step 3: count the close-knit opinions that those marked share, and who voiced them first."""
    for p in range(mine[i], mine[i + 1]):
        first = theirs[opinion[p]]
        last = min(theirs[opinion[p] + 1], first + WITNESSES)
        others = copies = 0
        for q in range(first, last):
            j = witness[q]
            if spoke[q] < voiced[p] or (spoke[q] == voiced[p] and j < i):
                others += 1
                copies += alike[j] > 0
        if copies == 0 or KNIT * copies < others:
            continue
        for q in range(first, last):
            j = witness[q]
            if alike[j]:
                count[j] += (bits[p] << 32) + 1
                before = spoke[q] < voiced[p] or (spoke[q] == voiced[p] and j < i)
                lead[j] += 1 if before else -1


@compiled
def _tie(root: Nodes, i: int, j: int) -> None:  # pragma: no cover (compiled)
    """Put two accounts in one group; a group's root is its lowest member."""
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    while root[j] != j:
        root[j] = root[root[j]]
        j = root[j]
    if i != j:
        root[max(i, j)] = min(i, j)
