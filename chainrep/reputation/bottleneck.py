"""What a bottleneck may let through: an exact, total cap in place of sampled connectivity decay.

An account is narrow if K or fewer others could cut it off from the seeds (`vertex_cut`). Every
score of a narrow account must be *backed* by its raters, and an account may back narrow ones of
width 1..j with at most caps[j - 1] / 2^16 of its own score in total, counting what they hand on.
Backing is conserved: a narrow account hands a part on and keeps the rest, up to its score. Whoever
runs any number of accounts behind g <= K of his own therefore gains, over all of them together, at
most caps[g - 1] / 2^16 of what the g had: nothing behind them is wider than g, and all of it is
backed through them. An account that rates a newcomer among many others stays far below its cap.

The computation, in whole numbers, each division and shift rounding down unless it says up, for
each narrow account v with score s(v) and each of its raters b that trust reaches:

    flow(b, v) = (floor(s(b) * 2^14 / W(b)) * w(b, v)) >> 14          W(b): all of b's weights
    pull(b, v) = 1 + flow(b, v), or 1 + (flow(b, v) >> 4) if b is narrow
    whole(v)   = s(v) + carry(v)                                      what v needs to be backed
    ask(b, v)  = up(up(whole(v) * 2^12 / sum of pull(., v)) * pull(b, v) / 2^12)
    cap(b, j)  = caps[j - 1] * s(b) >> 16
    carry(b)   : g = 0; for j = 1..K: g = min(g + asks at b by accounts of width j, cap(b, j))

``carry`` begins at cap(., K); ``whole``, ``ask`` and it are computed 40 times. Then, with the last
``whole`` and ``ask`` (and the g of the last ``carry``):

    part(b, j)  = 2^12 for j = K + 1, else r(b, j) * part(b, j + 1) >> 12
    r(b, j)     = floor(cap(b, j) * 2^12 / (g + asks)) where the cap was the lesser, else 2^12
    backed(v)   = sum over b of (ask(b, v) * (part(b, width of v) * hands(b) >> 12)) >> 12
    hands(v)    = floor(backed(v) * 2^12 / (whole(v) - s(v))), or 2^12 if that is less

``hands`` is 2^12 for all but narrow accounts; theirs begin at 0 and are computed 40 times, each
time from the time before. They only grow, so that no account ever hands on what it was not given,
and accounts that back each other in a ring get nothing from nowhere. A narrow account's new score
is backed(v) - (whole(v) - s(v)) of the last time, but at least 0 and at most s(v). An account that
trust does not reach has 0; all others keep their scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph, Ints, Nodes, Weights
from chainrep.reputation.jit import compiled
from chainrep.reputation.pagerank import Scores
from chainrep.reputation.units import UNIT, WHOLE
from chainrep.reputation.vertex_cut import Widths, find_widths, nearest_cut
from chainrep.reputation.ways import Ways, find_ways

TURNS = 40
FAVOUR_BITS = 4
"""Wide raters are asked 2^4 times as much: what a narrow one backs, others have to back again."""


@dataclass(frozen=True, slots=True)
class Discounted:
    """``scores``: uint64 of shape (accounts,), as those given but none higher.

    ``flagged`` is true for the accounts whose scores are lower. ``width``, uint8, is that of
    `find_widths`: len(``caps``) + 1 for accounts that no cap can touch.
    """

    scores: Scores
    flagged: NDArray[np.bool_]
    width: Widths
    caps: tuple[int, ...]
    ways: Ways

    def cut_of(self, account: int) -> tuple[int, ...] | None:
        """The accounts, ascending, through whom all trust in a narrow account comes.

        They may pass on caps[len - 1] / 2^16 of their scores to all who depend on them alone. None
        for an account that is not narrow, () for one that trust does not reach.
        """
        if self.width[account] == 0:
            return ()
        return nearest_cut(self.ways, account, len(self.caps))


def discount(graph: Graph, seeds: Sequence[int], scores: Scores, caps: Sequence[int]) -> Discounted:
    """Cap what each small group of accounts passes on to those who depend on it alone.

    ``scores`` are public scores from ``seeds``: uint64 of shape (accounts,), at most 2^50 in sum.
    ``caps``, in parts of 2^16 for groups of 1, 2, ... accounts, must not fall. Raises InputError
    for others, and as `find_ways` does.
    """
    limits = tuple(int(cap) for cap in caps)
    if any(a > b for a, b in zip((0, *limits), (*limits, WHOLE), strict=True)):
        raise InputError(f"Caps rise from 0 to at most {WHOLE} parts of {WHOLE}.")
    ways = find_ways(graph, seeds, scores)
    if int(scores.max()) > UNIT or int(scores.sum()) > UNIT:
        raise InputError("The scores sum to more than all the trust there is, 2^50.")
    width = find_widths(ways, len(limits))
    start, node, weight, order = ways.start, ways.node, ways.weight, ways.order
    narrow = order[width[order] <= len(limits)]
    parts = np.array(limits, np.uint64)
    kept = _kept(start, node, weight, order, narrow, width, scores, graph.out.total, parts)
    return Discounted(kept, kept < scores, width, limits, ways)


@compiled
def _kept(  # noqa: PLR0912
    start: Ints,
    node: Nodes,
    weight: Weights,
    order: Nodes,
    narrow: Nodes,
    width: Widths,
    scores: Scores,
    total: Ints,
    caps: Scores,
) -> Scores:  # pragma: no cover (compiled)
    limit, size = len(caps), len(scores)
    share_bits, bits, one = np.uint64(14), np.uint64(12), np.uint64(1 << 12)
    low, none = one - np.uint64(1), np.uint64(0)
    pull = np.zeros(len(node), np.uint64)
    pulls = np.zeros(size, np.uint64)
    for v in narrow:
        for i in range(start[v], start[v + 1]):
            b = node[i]
            share = (scores[b] << share_bits) // np.uint64(total[b])
            flow = (share * np.uint64(weight[i])) >> share_bits
            pull[i] = (flow if width[b] > limit else flow >> np.uint64(FAVOUR_BITS)) + np.uint64(1)
            pulls[v] += pull[i]
    cap = np.zeros((size, limit), np.uint64)
    carry = np.zeros(size, np.uint64)
    for u in order:
        for j in range(limit):
            cap[u, j] = _part_of(scores[u], caps[j])
        carry[u] = cap[u, limit - 1]
    need = np.zeros(size, np.uint64)
    ask = np.zeros(len(node), np.uint64)
    asked = np.zeros((size, limit), np.uint64)
    for _ in range(TURNS):
        for v in narrow:
            whole = scores[v] + carry[v]
            if whole == need[v]:  # so its asks stay as they are
                continue
            need[v] = whole
            rate = ((need[v] << bits) + pulls[v] - np.uint64(1)) // pulls[v]
            for i in range(start[v], start[v + 1]):
                before = ask[i]
                ask[i] = (rate * pull[i] + low) >> bits
                asked[node[i], width[v] - 1] += ask[i] - before
        same = True
        for u in order:
            carried = none
            for j in range(limit):
                carried = min(carried + asked[u, j], cap[u, j])
            same &= carry[u] == carried
            carry[u] = carried
        if same:  # and so would be every further turn
            break
    part = np.full((size, limit), one, np.uint64)
    for u in order:
        carried = none
        for j in range(limit):
            carried += asked[u, j]
            if carried > cap[u, j]:
                part[u, j] = (cap[u, j] << bits) // carried
                carried = cap[u, j]
        for j in range(limit - 2, -1, -1):
            part[u, j] = (part[u, j] * part[u, j + 1]) >> bits
    return _backed(start, node, narrow, width, scores, need, ask, part)


@compiled
def _backed(
    start: Ints,
    node: Nodes,
    narrow: Nodes,
    width: Widths,
    scores: Scores,
    need: Scores,
    ask: Scores,
    part: Scores,
) -> Scores:  # pragma: no cover (compiled)
    bits, one, none = np.uint64(12), np.uint64(1 << 12), np.uint64(0)
    hands = np.full(len(scores), one, np.uint64)
    for v in narrow:
        hands[v] = none
    found = np.zeros(len(scores), np.uint64)
    done = np.zeros(len(scores), np.uint8)
    growing = narrow.copy()  # those whose backing may still grow: the first `count` of them
    after = np.zeros(len(narrow), np.uint64)
    count = len(narrow)
    for _ in range(TURNS):
        same, left = True, 0
        for at in range(count):
            v = growing[at]
            backed, final = none, True
            for i in range(start[v], start[v + 1]):
                b = node[i]
                final &= hands[b] == one
                backed += (ask[i] * ((part[b, width[v] - 1] * hands[b]) >> bits)) >> bits
            found[v] = backed
            carried = need[v] - scores[v]
            after[at] = one if backed >= carried else (backed << bits) // carried
            done[v] = final or backed >= need[v]
        for at in range(count):
            v = growing[at]
            same &= after[at] == hands[v]
            hands[v] = after[at]
            if not done[v]:
                growing[left] = v
                left += 1
        count = left
        if same:
            break
    kept = scores.copy()
    for v in range(len(scores)):
        if width[v] == 0:
            kept[v] = none
    for v in narrow:
        carried = need[v] - scores[v]
        kept[v] = min(scores[v], found[v] - min(found[v], carried))
    return kept


@compiled
def _part_of(amount: np.uint64, part: np.uint64) -> np.uint64:  # pragma: no cover (compiled)
    whole, low = np.uint64(16), np.uint64(0xFFFF)
    return (amount >> whole) * part + (((amount & low) * part) >> whole)
