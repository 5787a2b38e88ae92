"""How few accounts stand between the seeds and each account: vertex cuts, exact and nearest.

An account's width is the least number of accounts, none of them a seed, without which no trust
reaches it (Menger: the most paths from the seeds to it that share no account). Somebody who runs
thousands of accounts behind g of his own cannot make any of them wider than g.

Cuts of one account are immediate dominators: found at once, in almost linear time, on any graph.
Wider ones come from augmenting paths searched backward, from the account to the seeds. A row's
raters stand in breadth-first order from the seeds, so a search climbs straight up; it sees much
only when it fails, and then all that it saw lies behind one cut: those accounts are done at once,
and later searches step over them. That is fast on graphs that people made, but whoever builds a
graph for it can make each of many searches see much and still succeed: so there is a limit to how
many links are looked at in all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.ways import Ways

Widths = NDArray[np.uint8]

MAX_LIMIT = 5
"""So do they with more searches for each account."""
MAX_SIZE = 2**30
"""Accounts, reached or not, of which each may have two places in a search."""
PATIENCE = 2_000
"""Links after which a first, hasty search gives up: more only costs time, never another result."""
LEAST_ALLOWED, ALLOWED_PER_LINK = 2**31, 2**10
"""Graphs that people made take 1 to 9 looks at each link; random ones, at most 200 so far."""


def find_widths(ways: Ways, limit: int) -> Widths:
    """Each account's width, uint8 of shape (accounts,): ``limit`` + 1 for all beyond ``limit``.

    Seeds and accounts that a seed trusts have no cut, and count as ``limit`` + 1. Accounts that
    trust does not reach have width 0. Raises InputError unless 1 <= ``limit`` <= 5.

    With ``limit`` 1 this takes almost linear time whatever the graph. Beyond, a hostile graph can
    make it slow; it raises InputError where the searches have looked at `links_allowed` links.
    """
    _check_limit(limit, ways)
    width = np.zeros(len(ways.start) - 1, np.uint8)
    if limit == 1:
        width[ways.order] = 2
        width[ways.dominator >= 0] = 1
        return width
    allowed = links_allowed(len(ways.node))
    left = _widths(
        ways.start, ways.node, ways.order, ways.seeds, ways.dominator, limit, PATIENCE, allowed,
        width,
    )  # fmt: skip
    if left == 0:
        raise InputError(
            f"Cuts of up to {limit} accounts are not found after looking at {allowed:,} links.",
            "Somebody built this graph to be slow: a formula with one cap is computed for any.",
        )
    return width


def links_allowed(links: int) -> int:
    """How many links the searches for cuts of several accounts may look at in all."""
    return LEAST_ALLOWED + ALLOWED_PER_LINK * links


def nearest_cut(ways: Ways, account: int, limit: int) -> tuple[int, ...] | None:
    """The fewest accounts without which no trust reaches ``account``, ascending.

    Of several such sets the one nearest to the account, which is unique. None if there is no such
    set of at most ``limit`` accounts. Raises InputError for an account beyond the graph.
    """
    _check_limit(limit, ways)
    if not 0 <= account < len(ways.start) - 1:
        raise InputError(f"There is no account number {account} in the graph.")
    alone = int(ways.dominator[account])
    if alone >= 0 or limit == 1:
        return (alone,) if alone >= 0 else None
    found = _cut(ways.start, ways.node, ways.seeds, account, limit)
    return None if found[0] < 0 else tuple(sorted(int(x) for x in found if x >= 0))


def _check_limit(limit: int, ways: Ways) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise InputError(f"Cuts of 1..{MAX_LIMIT} accounts can be looked for, not of {limit}.")
    if limit > 1 and len(ways.start) - 1 > MAX_SIZE:
        raise InputError(
            f"A graph of more than {MAX_SIZE:,} accounts is too large for cuts of several.",
            "Use a formula with one cap.",
        )


SEEN, CAME, DONE, NEXT = 0, 1, 2, 3
FREE, SEED = -1, -2


@compiled
def _fresh(size: int, seeds: Nodes) -> Nodes:  # pragma: no cover (compiled)
    state = np.zeros((2 * size, 4), np.int32)
    for place in range(2 * size):
        state[place, NEXT] = FREE
    for seed in seeds:
        state[2 * seed, NEXT] = SEED
    return state


@compiled
def _add_path(  # noqa: PLR0912, PLR0915
    sink: int,
    start: Ints,
    node: Nodes,
    group: Nodes,
    cuts: Nodes,
    state: Nodes,
    used: Nodes,
    count: int,
    mark: int,
    patience: int,
) -> tuple[int, int, int]:  # pragma: no cover (compiled)
    """Find one more path that shares no account with those found: (1 yes, 0 no, -1 gave up).

    ``used[:count]`` are the accounts on paths; the second number returned is their new count, the
    third how many of the ``patience`` links that it might look at are left.
    """
    c = 2 * sink
    state[c, SEEN] = mark
    state[c, CAME] = -1
    state[c, DONE] = 0
    while True:
        u = c >> 1
        i = state[c, DONE]
        state[c, DONE] = i + 1
        d = -1
        if c & 1:  # the way out of a used account: only its path's own next step can be undone
            d = 2 * state[c - 1, NEXT] if i == 0 else -1
        else:
            x = -1
            if group[u] >= 0:
                if i < cuts.shape[1]:
                    x = cuts[group[u], i]
            elif start[u] + i < start[u + 1]:
                x = node[start[u] + i]
            if x >= 0:
                patience -= 1
                if patience == 0:
                    return -1, count, 0
                goes = state[2 * x, NEXT]
                if goes == SEED:
                    break
                d = 2 * x if goes == FREE else 2 * x + 1
            elif u != sink and state[c, NEXT] >= 0 and state[c + 1, SEEN] != mark:
                d = c + 1  # its path came in here: it can be taken off this account altogether
        if d < 0:
            c = state[c, CAME]
            if c < 0:
                return 0, count, patience
        elif state[d, SEEN] != mark:
            state[d, SEEN] = mark
            state[d, CAME] = c
            state[d, DONE] = 0
            c = d
    while c != 2 * sink:
        b = state[c, CAME]
        if b & 1 == 0:
            used[count] = c >> 1
            count += 1
            state[c, NEXT] = b >> 1
            c = b
            continue
        while True:  # account z of another path loses its step to here
            z = b >> 1
            e = state[b, CAME]
            if e >> 1 != z:
                state[2 * z, NEXT] = e >> 1
                c = e
                break
            state[e, NEXT] = FREE
            b = state[e, CAME]
    return 1, count, patience


@compiled
def _region(
    sink: int,
    start: Ints,
    node: Nodes,
    group: Nodes,
    cuts: Nodes,
    state: Nodes,
    mark: int,
    inside: Nodes,
    cut: Nodes,
) -> int:  # pragma: no cover (compiled)
    """After search ``mark`` failed: fill ``cut``, and ``inside`` with what lies behind it."""
    done = mark + 1
    inside[0] = sink
    state[2 * sink, SEEN] = done
    head, tail, count = 0, 1, 0
    while head < tail:
        u = inside[head]
        head += 1
        own = group[u] < 0
        for i in range(start[u] if own else 0, start[u + 1] if own else cuts.shape[1]):
            x = node[i] if own else cuts[group[u], i]
            if x < 0:
                break
            if state[2 * x, SEEN] == mark:
                state[2 * x, SEEN] = done
                inside[tail] = x
                tail += 1
            elif state[2 * x, SEEN] != done and state[2 * x + 1, SEEN] == mark:
                state[2 * x + 1, SEEN] = done
                cut[count] = x
                count += 1
    return tail


@compiled
def _widths(  # noqa: PLR0912
    start: Ints,
    node: Nodes,
    order: Nodes,
    seeds: Nodes,
    dominator: Nodes,
    limit: int,
    patience: int,
    allowed: int,
    width: Widths,
) -> int:  # pragma: no cover (compiled)
    """Fill ``width`` and return how many of the ``allowed`` links are left, 0 if it is not done."""
    size = len(start) - 1
    known = np.zeros(size, np.uint8)  # as width, for accounts whose region is still to be found
    group = np.full(size, -1, np.int32)
    cuts = np.full((size, limit), -1, np.int32)
    groups = _alone(order, dominator, width, group, cuts)
    state = _fresh(size, seeds)
    used = np.empty(size, np.int32)
    inside = np.empty(size, np.int32)
    mark = 0
    for v in seeds:
        width[v] = limit + 1
    # Widths are settled from the narrowest up. Whatever lies behind a cut of j accounts and is not
    # narrower than j has width j, and j paths lead to it from the cut: for every later search its
    # row may be replaced by the cut itself. Round 1 sorts out what is quickly seen.
    for level in range(1, limit + 1):
        hasty = level == 1
        most = limit if hasty else level
        for v in order:
            if width[v] != 0 or known[v] > level:
                continue
            if hasty:
                for i in range(start[v], start[v + 1]):
                    if state[2 * node[i], NEXT] == SEED:
                        width[v] = limit + 1
                        break
                if width[v] != 0:
                    continue
            count, found, result = 0, 0, 1
            while found <= most and result == 1:
                mark += 1
                links = min(allowed, patience) if hasty else allowed
                result, count, left = _add_path(
                    v, start, node, group, cuts, state, used, count, mark, links
                )
                allowed -= links - left
                found += result == 1
            if allowed == 0:
                return 0
            if hasty and result == 0:
                known[v] = found
            elif hasty and result == 1:
                width[v] = limit + 1
            elif result == 0 and found == level:
                tail = _region(v, start, node, group, cuts, state, mark, inside, cuts[groups])
                mark += 1
                for u in inside[:tail]:
                    if width[u] == 0:
                        width[u] = level
                        group[u] = groups
                groups += 1
            for u in used[:count]:
                state[2 * u, NEXT] = FREE
    for v in order:
        if width[v] == 0:
            width[v] = limit + 1
    return allowed


@compiled
def _alone(
    order: Nodes, dominator: Nodes, width: Widths, group: Nodes, cuts: Nodes
) -> int:  # pragma: no cover (compiled)
    """Settle the accounts of width 1: all behind one that is wider are a group with this cut."""
    groups = 0
    behind = np.full(len(group), -1, np.int32)  # the group of whom a wider account dominates
    for v in order:  # nobody comes before his dominator
        above = dominator[v]
        if above < 0:
            continue
        width[v] = 1
        if group[above] >= 0:
            group[v] = group[above]
            continue
        if behind[above] < 0:
            behind[above] = groups
            cuts[groups, 0] = above
            groups += 1
        group[v] = behind[above]
    return groups


@compiled
def _cut(
    start: Ints, node: Nodes, seeds: Nodes, sink: int, limit: int
) -> Nodes:  # pragma: no cover (compiled)
    size = len(start) - 1
    cut = np.full(limit, -1, np.int32)
    if start[sink] == start[sink + 1]:
        return cut
    state = _fresh(size, seeds)
    if state[2 * sink, NEXT] == SEED:
        return cut
    for i in range(start[sink], start[sink + 1]):
        if state[2 * node[i], NEXT] == SEED:
            return cut
    group = np.full(size, -1, np.int32)
    cuts = np.full((1, limit), -1, np.int32)
    used = np.empty(size, np.int32)
    count, result = 0, 1
    for mark in range(1, limit + 2):
        result, count, _ = _add_path(sink, start, node, group, cuts, state, used, count, mark, -1)
        if result == 0:
            _region(sink, start, node, group, cuts, state, mark, used, cut)
            break
    return cut
