"""Everybody's own view of everybody: personalized scores in about a millisecond.

A question takes exact steps from the account asked about, and what trust is still on its way when
they end goes where the fingerprints of the accounts where it waits say that it goes.

The score meant is that of `public_scores` with one seed, without its cut after T steps, which makes
a difference of at most 2 (1 - stop)^T. This is an estimate, yet the same one everywhere: walks are
functions of their key, and all numbers are integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.fingerprints import Counts, Fingerprints
from chainrep.reputation.graph import Graph, Ints, Nodes, Weights
from chainrep.reputation.jit import compiled
from chainrep.reputation.pagerank import Scores
from chainrep.reputation.prefetch import AHEAD, prefetch
from chainrep.reputation.units import UNIT

PUSH_FLOOR = UNIT >> 12
"""Trust that waits at an account moves on exactly if it is at least this much for each link."""

Links = tuple[Ints, Nodes, Weights, Ints]
Prints = tuple[Ints, Nodes, Counts]
Cells = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class View:
    """What one account thinks of those it knows of: ``value`` uint64 in 2^-50, ``node`` ascends."""

    node: Nodes
    value: Scores


def personalized(fingerprints: Fingerprints, graph: Graph, account: int, push_steps: int) -> View:
    """The scores from the seed set {account}.

    Trust moves on exactly, account by account in the order it came by, with the floors of
    `public_scores`, until it has left ``push_steps`` accounts or everywhere falls below
    `PUSH_FLOOR` for each link. An account u where r waits then gives each account that its walks
    visited c times floor(floor(r stop / 2^16) / walks) c. Raises InputError for an account that is
    not in the graph and for fingerprints of another one.
    """
    return _view(fingerprints, graph, account, push_steps, _desk(graph))


def best_of_each(
    fingerprints: Fingerprints,
    graph: Graph,
    accounts: Sequence[int],
    push_steps: int,
    top: int,
    threads: int = 1,
) -> list[View]:
    """For each account the ``top`` others that it trusts most; of equals, those that come first."""
    cuts = [len(accounts) * i // threads for i in range(threads + 1)]

    def part(i: int) -> list[View]:
        desk = _desk(graph)
        return [
            best(_view(fingerprints, graph, account, push_steps, desk), top, account)
            for account in accounts[cuts[i] : cuts[i + 1]]
        ]

    with ThreadPoolExecutor(threads) as pool:
        return [view for views in pool.map(part, range(threads)) for view in views]


def best(view: View, top: int, without: int) -> View:
    """The ``top`` highest of a view, ``without`` left out; of equals, those that come first.

    Raises InputError for a ``top`` below one.
    """
    keep = view.node != without
    node, value = view.node[keep], view.value[keep]
    if top < 1:
        raise InputError("The best of a view are at least one.")
    if len(value) > top:
        least = np.partition(value, len(value) - top)[len(value) - top]
        more, equal = np.flatnonzero(value > least), np.flatnonzero(value == least)
        kept = np.sort(np.concatenate([more, equal[: top - len(more)]]))
        node, value = node[kept], value[kept]
    return View(node, value)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Room for one question: ``cell[v]`` is what waits at v and its score, zero between two."""

    cell: Cells
    found: Nodes
    queue: Nodes


def _desk(graph: Graph) -> _Desk:
    found, queue = np.empty((2, graph.size), np.int32)
    return _Desk(np.zeros((graph.size, 2), np.uint64), found, queue)


def _view(
    fingerprints: Fingerprints, graph: Graph, account: int, push_steps: int, desk: _Desk
) -> View:
    if not 0 <= account < graph.size:
        raise InputError("The account is not in the graph.")
    if len(fingerprints.start) != graph.size + 1:
        raise InputError("The fingerprints are those of another graph.")
    if push_steps < 0:
        raise InputError("The number of steps cannot be negative.")
    out = graph.out
    links = (out.start, out.node, out.weight, out.total)
    prints = (fingerprints.start, fingerprints.node, fingerprints.count)
    stop, cell, found = fingerprints.stop, desk.cell, desk.found
    count = _push(account, min(push_steps, 2**62), stop, links, cell, found, desk.queue)
    count = _settle(count, stop, fingerprints.walks, prints, cell, found)
    node = np.sort(desk.found[:count])
    value = desk.cell[node, 1]
    desk.cell[node] = 0
    seen = value > 0
    return View(node[seen], value[seen])


@compiled
def _push(
    account: int,
    push_steps: int,
    stop: int,
    links: Links,
    cell: Cells,
    found: Nodes,
    queue: Nodes,
) -> int:  # pragma: no cover (compiled)
    """Leave in ``cell`` (what still waits, what stays) of each account found, and count them."""
    start, node, weight, total = links
    bits, none, least = np.uint64(14), np.uint64(0), np.uint64(PUSH_FLOOR)
    cell[account, 0] = UNIT
    found[0] = queue[0] = account
    known = queued = 1
    done = 0
    while done < min(queued, push_steps):
        u = queue[done % len(queue)]  # nobody waits in it twice at a time
        done += 1
        waits = cell[u, 0]
        stays = _part(waits, stop)
        cell[u, 0] = 0
        cell[u, 1] += stays
        if total[u] == 0:
            continue
        share = ((waits - stays) << bits) // np.uint64(total[u])
        for i in range(start[u], start[u + 1]):
            v = node[i]
            comes = (share * np.uint64(weight[i])) >> bits
            if comes == none:
                continue
            had = cell[v, 0]
            if had == none and cell[v, 1] == none:
                found[known] = v
                known += 1
            cell[v, 0] = had + comes
            floor = least * np.uint64(start[v + 1] - start[v])
            if had < floor <= had + comes:
                queue[queued % len(queue)] = v
                queued += 1
    return known


@compiled
def _part(trust: np.uint64, stop: int) -> np.uint64:  # pragma: no cover (compiled)
    """floor(trust * stop / 2^16), for trust <= 2^50."""
    whole, low, chance = np.uint64(16), np.uint64(0xFFFF), np.uint64(stop)
    return (trust >> whole) * chance + (((trust & low) * chance) >> whole)


@compiled
def _settle(
    known: int, stop: int, walks: int, prints: Prints, cell: Cells, found: Nodes
) -> int:  # pragma: no cover (compiled)
    """Give what waits to those whom the fingerprints name, and count all accounts found."""
    start, node, count = prints
    none, last, end = np.uint64(0), known - 1, len(node) - 1
    for k in range(last + 1):
        prefetch(start, np.uint64(found[min(k + 8, last)]))
        soon = np.uint64(start[found[min(k + 4, last)]])
        prefetch(node, soon)
        prefetch(count, soon)
        u = found[k]
        each = _part(cell[u, 0], stop) // np.uint64(walks)
        if each == none:
            continue
        for j in range(start[u], start[u + 1]):
            prefetch(cell, np.uint64(node[min(j + AHEAD, end)]))
            v = node[j]
            if cell[v, 0] == none and cell[v, 1] == none:
                found[known] = v
                known += 1
            cell[v, 1] += each * np.uint64(count[j])
    return known
