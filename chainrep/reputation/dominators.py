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
    return _dominators(out.start, out.node, start, node, order, seeds)


# Accounts are numbered as a depth-first search meets them. The seeds together are the root, 0.
# Columns of `tree`: the nearest account above that is not yet skipped (at first the one that the
# search came from); on the way up to it, the account that can be entered from farthest up; from
# where that is; and from where the account itself can (its semidominator).
ABOVE, BEST, BEST_FROM, FROM = 0, 1, 2, 3
ABSENT, UNSEEN = -2, -1


@compiled
def _dominators(
    out_start: Ints, out_node: Nodes, start: Ints, node: Nodes, order: Nodes, seeds: Nodes
) -> Nodes:  # pragma: no cover (compiled)
    number = np.full(len(start) - 1, ABSENT, np.int32)
    for u in order:
        number[u] = UNSEEN
    for u in seeds:
        number[u] = 0
    tree = np.zeros((len(order) + 1, 4), np.int32)
    account = np.empty(len(order) + 1, np.int32)
    count = _number_all(out_start, out_node, seeds, number, account, tree)
    dominator = np.zeros(count, np.int32)
    first = np.zeros(count, np.int32)  # of the accounts that can be entered from each; 0 for none
    follows = np.zeros(count, np.int32)
    climbed = np.empty(count, np.int32)
    for w in range(count - 1, 0, -1):  # those numbered above w are in the forest of skipped ones
        v = first[w]
        while v != 0:
            _climb(v, w, tree, climbed)
            best = tree[v, BEST]
            dominator[v] = best if tree[best, FROM] < w else w
            v = follows[v]
        farthest = w
        u = account[w]
        for i in range(start[u], start[u + 1]):
            p = number[node[i]]
            if p > w:
                _climb(p, w, tree, climbed)
                p = tree[p, BEST_FROM]
            farthest = min(farthest, p)
            if farthest == 0:
                break
        tree[w, FROM] = farthest
        tree[w, BEST_FROM] = farthest
        if farthest != 0:
            follows[w] = first[farthest]
            first[farthest] = w
    found = np.full(len(start) - 1, NOBODY, np.int32)
    for w in range(1, count):
        if dominator[w] != tree[w, FROM]:
            dominator[w] = dominator[dominator[w]]
        if dominator[w] != 0:
            found[account[w]] = account[dominator[w]]
    return found


@compiled
def _number_all(
    out_start: Ints, out_node: Nodes, seeds: Nodes, number: Nodes, account: Nodes, tree: Nodes
) -> int:  # pragma: no cover (compiled)
    """Fill the columns of accounts numbered; return how many, with the root."""
    at = np.empty(len(account), np.int64)  # where each account's row goes on
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
def _climb(v: int, root: int, tree: Nodes, climbed: Nodes) -> None:  # pragma: no cover (compiled)
    """Let ``v`` and all above it, up to ``root`` or who is numbered below, skip to the top."""
    count = 0
    while tree[v, ABOVE] > root:
        climbed[count] = v
        count += 1
        v = tree[v, ABOVE]
    while count > 0:
        count -= 1
        above = v
        v = climbed[count]
        if tree[above, BEST_FROM] < tree[v, BEST_FROM]:
            tree[v, BEST_FROM] = tree[above, BEST_FROM]
            tree[v, BEST] = tree[above, BEST]
        tree[v, ABOVE] = tree[above, ABOVE]
