"""Who stands alone between the seeds and an account: immediate dominators.

An account's dominators are those through each of whom all trust in it comes, seeds left out; the
immediate one is the nearest. Found by Lengauer and Tarjan's algorithm ("A fast algorithm for
finding dominators in a flowgraph", 1979, the simple version, with path compression): at most
links * log(accounts) steps whatever graph a stranger builds, and without recursion.
"""

from __future__ import annotations

import numpy as np

from chainrep.reputation.graph import Ints, Nodes, Rows
from chainrep.reputation.jit import compiled

NOBODY = -1


def find_dominators(out: Rows, start: Ints, node: Nodes, order: Nodes, seeds: Nodes) -> Nodes:
    """Each account's immediate dominator, int32 of shape (accounts,), or `NOBODY`.

    ``order``, int32, are the accounts that trust reaches, seeds among them. ``start`` and ``node``
    are the rows of raters of each account: these, and nobody else; ``out`` holds whom each account
    trusts, others as well. Seeds have no dominator and are none; accounts not reached have none.
    """
    number = np.full(len(start) - 1, ABSENT, np.int32)
    number[order] = UNSEEN
    number[seeds] = 0
    account = np.empty(len(order) + 1, np.int32)
    tree = np.zeros((len(order) + 1, 4), np.int32)
    at = np.empty(len(order) + 1, np.int64)
    count = _number_all(out.start, out.node, seeds, number, account, tree, at)
    found = np.full(len(start) - 1, NOBODY, np.int32)
    lists = np.zeros((count, 4), np.int32)
    _dominate(start, node, number, account[:count], tree, lists, found)
    return found


# Accounts are numbered as a depth-first search meets them. The seeds together are the root, 0.
# Columns of `tree`: the nearest account above that is not yet skipped (at first the one that the
# search came from); on the way up to it, the account that can be entered from farthest up; from
# where that is; and from where the account itself can (its semidominator).
ABOVE, BEST, BEST_FROM, FROM = 0, 1, 2, 3
# Columns of `lists`: the first of those who can be entered from an account; who comes after an
# account in such a list (0: nobody); its dominator, or somebody with the same one; and a stack.
FIRST, FOLLOWS, NEAREST, CLIMBED = 0, 1, 2, 3
ABSENT, UNSEEN = -2, -1


@compiled
def _dominate(
    start: Ints,
    node: Nodes,
    number: Nodes,
    account: Nodes,
    tree: Nodes,
    lists: Nodes,
    found: Nodes,
) -> None:  # pragma: no cover (compiled)
    """Fill ``found``; ``tree`` and ``lists`` (zeros) are used up."""
    count = len(account)
    for w in range(count - 1, 0, -1):  # those numbered above w are in the forest of skipped ones
        v = lists[w, FIRST]
        while v != 0:
            _climb(v, w, tree, lists)
            best = tree[v, BEST]
            lists[v, NEAREST] = best if tree[best, FROM] < w else w
            v = lists[v, FOLLOWS]
        farthest = w
        u = account[w]
        for i in range(start[u], start[u + 1]):
            p = number[node[i]]
            if p > w:
                _climb(p, w, tree, lists)
                p = tree[p, BEST_FROM]
            farthest = min(farthest, p)
            if farthest == 0:
                break
        tree[w, FROM] = farthest
        tree[w, BEST_FROM] = farthest
        if farthest != 0:
            lists[w, FOLLOWS] = lists[farthest, FIRST]
            lists[farthest, FIRST] = w
    for w in range(1, count):
        nearest = lists[w, NEAREST]
        if nearest != tree[w, FROM]:
            nearest = lists[nearest, NEAREST]
            lists[w, NEAREST] = nearest
        if nearest != 0:
            found[account[w]] = account[nearest]


@compiled
def _number_all(
    out_start: Ints,
    out_node: Nodes,
    seeds: Nodes,
    number: Nodes,
    account: Nodes,
    tree: Nodes,
    at: Ints,
) -> int:  # pragma: no cover (compiled)
    """Fill the arrays for accounts numbered; return how many, with the root.

    ``at`` is where each account's row goes on.
    """
    count = 1
    for seed in seeds:
        for i in range(out_start[seed], out_start[seed + 1]):
            v = out_node[i]
            w = 0
            while True:
                if number[v] == UNSEEN:
                    number[v] = count
                    account[count] = v
                    at[count] = out_start[v]
                    tree[count, ABOVE] = w
                    tree[count, BEST] = count
                    w = count
                    count += 1
                while w != 0 and at[w] == out_start[account[w] + 1]:
                    w = tree[w, ABOVE]
                if w == 0:
                    break
                v = out_node[at[w]]
                at[w] += 1
    return count


@compiled
def _climb(v: int, root: int, tree: Nodes, lists: Nodes) -> None:  # pragma: no cover (compiled)
    """Let ``v`` and all above it, up to ``root`` or who is numbered below, skip to the top."""
    count = 0
    while tree[v, ABOVE] > root:
        lists[count, CLIMBED] = v
        count += 1
        v = tree[v, ABOVE]
    while count > 0:
        count -= 1
        above = v
        v = lists[count, CLIMBED]
        if tree[above, BEST_FROM] < tree[v, BEST_FROM]:
            tree[v, BEST_FROM] = tree[above, BEST_FROM]
            tree[v, BEST] = tree[above, BEST]
        tree[v, ABOVE] = tree[above, ABOVE]
