"""Who trusts whom: accounts, and one integer weight per pair, in both directions of reading.

A graph has one form whatever order its edges came in: accounts ascend, rows are sorted. Every
number computed from it, and its hash, is therefore a function of the set of edges alone.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.jit import compiled

MAX_WEIGHT = 2**16 - 1
MAX_ACCOUNTS = 2**31 - 1

Ints = NDArray[np.int64]
Nodes = NDArray[np.int32]
Weights = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Rows:
    """One row of links per account: ``node[start[i]:start[i + 1]]``, ascending, with ``weight``.

    ``start`` is int64 of shape (accounts + 1,); ``node`` int32 and ``weight`` uint32 are of shape
    (links,). ``total`` is the sum of each row's weights, int64 of shape (accounts,).
    """

    start: Ints
    node: Nodes
    weight: Weights
    total: Ints


@dataclass(frozen=True, slots=True)
class Graph:
    """``accounts`` ascend as UTF-8 bytes; edge weights lie in 1..65,535; nobody rates itself.

    ``out`` holds whom each account trusts, ``into`` by whom it is trusted, ``warned`` whom it warns
    of. Warnings carry no trust onward: only `distrust` reads them.
    """

    accounts: Sequence[str]
    out: Rows
    into: Rows
    warned: Rows

    @property
    def size(self) -> int:
        """How many accounts there are."""
        return len(self.accounts)

    @property
    def edges(self) -> int:
        """How many trusted pairs there are."""
        return len(self.out.node)

    def find(self, account: str) -> int | None:
        """The account's number, if it is in the graph."""
        i = bisect_left(self.accounts, account)
        return i if i < self.size and self.accounts[i] == account else None


@dataclass(frozen=True, slots=True)
class Links:
    """Weighted pairs in any order: ``rater`` and ``ratee`` are numbers of accounts."""

    rater: Nodes
    ratee: Nodes
    weight: Weights


def make_links(rater: Any, ratee: Any, weight: Any) -> Links:
    """Links from anything that numpy takes; raise InputError where a number does not fit."""
    columns = [np.asarray(column) for column in (rater, ratee, weight)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InputError("Raters, ratees and weights are three columns of the same length.")
    if any(column.size and not np.issubdtype(column.dtype, np.integer) for column in columns):
        raise InputError("Raters, ratees and weights are whole numbers.")
    bounds = ((0, MAX_ACCOUNTS), (0, MAX_ACCOUNTS), (1, MAX_WEIGHT))
    for column, (low, high) in zip(columns, bounds, strict=True):
        if column.size and not (low <= column.min() and column.max() <= high):
            raise InputError(f"A number among the links lies outside {low}..{high}.")
    return Links(columns[0].astype(np.int32), columns[1].astype(np.int32), columns[2].astype("u4"))


NO_LINKS = Links(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint32))


def build_graph(accounts: Sequence[str], trusted: Links, warned: Links = NO_LINKS) -> Graph:
    """Put links in their one form.

    Raises InputError for accounts that do not ascend, a link to nobody or to oneself, and a pair
    that appears twice.
    """
    size = len(accounts)
    if not 0 < size <= MAX_ACCOUNTS:
        raise InputError(f"A graph has 1 to {MAX_ACCOUNTS:,} accounts.")
    if any(a >= b for a, b in pairwise(accounts)):
        raise InputError("Accounts must ascend, each of them once.")
    for links in (trusted, warned):
        _check(links, accounts)
    out, said = (
        transpose(_rows(links.ratee, links.rater, links.weight, size))
        for links in (trusted, warned)
    )
    return Graph(accounts, out, transpose(out), said)


def transpose(rows: Rows) -> Rows:
    """The same links, seen from their other ends; rows come out sorted."""
    size = len(rows.total)
    row = np.repeat(np.arange(size, dtype=np.int32), np.diff(rows.start))
    turned = _rows(rows.node, row, rows.weight, size)
    if _has_twins(turned.start, turned.node):
        raise InputError("A pair of accounts appears twice among the links.")
    return turned


def snapshot_hash(graph: Graph) -> bytes:
    """SHA-256 of the graph as docs/protocol.md writes it: 32 bytes."""
    digest = hashlib.sha256(b"chainrep snapshot 1\n")
    digest.update(graph.size.to_bytes(8))
    for account in graph.accounts:
        name = account.encode()
        digest.update(len(name).to_bytes(2) + name)
    for rows in (graph.out, graph.warned):
        digest.update(len(rows.node).to_bytes(8))
        for column in (rows.start[1:].astype(">u8"), rows.node.astype(">u4")):
            digest.update(column.tobytes())
        digest.update(rows.weight.astype(">u4").tobytes())
    return digest.digest()


def _check(links: Links, accounts: Sequence[str]) -> None:
    for column in (links.rater, links.ratee):
        if column.size and not (column.min() >= 0 and column.max() < len(accounts)):
            raise InputError("A link names an account that is not in the graph.")
    own = np.flatnonzero(links.rater == links.ratee)
    if own.size:
        raise InputError(f"{accounts[int(links.rater[own[0]])]!r} rates itself.")


def _rows(key: Nodes, node: Nodes, weight: Weights, size: int) -> Rows:
    """Links grouped by ``key``, in the order they came in within each group."""
    start, grouped, weights = _grouped(key, node, weight, size)
    return Rows(start, grouped, weights, row_totals(start, weights))


def row_totals(start: Ints, weight: Weights) -> Ints:
    """The sum of each row's weights."""
    sums = np.zeros(len(weight) + 1, np.int64)
    np.cumsum(weight, out=sums[1:])
    return np.asarray(sums[start[1:]] - sums[start[:-1]])


@compiled
def _grouped(
    key: Nodes, node: Nodes, weight: Weights, size: int
) -> tuple[Ints, Nodes, Weights]:  # pragma: no cover (compiled)
    start = np.zeros(size + 1, np.int64)
    for i in range(len(key)):
        start[key[i] + 1] += 1
    for i in range(size):
        start[i + 1] += start[i]
    place = start[:-1].copy()
    nodes = np.empty(len(node), np.int32)
    weights = np.empty(len(weight), np.uint32)
    for i in range(len(key)):
        at = place[key[i]]
        nodes[at] = node[i]
        weights[at] = weight[i]
        place[key[i]] = at + 1
    return start, nodes, weights


@compiled
def _has_twins(start: Ints, node: Nodes) -> bool:  # pragma: no cover (compiled)
    for row in range(len(start) - 1):
        for i in range(start[row] + 1, start[row + 1]):
            if node[i] == node[i - 1]:
                return True
    return False
