"""Walks made beforehand: of each account, whom they visit and how often.

After PowerWalk (Liu, Li, Lui, Cheng, 2016). A visit counts and not an end, so that an account is
credited by each walk that comes by: the mean number of visits times the chance to stop is the
personalized score, and what an account without links would pass on is lost, as in `public_scores`.
`personal_view` asks the questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.alias import Alias, build_alias
from chainrep.reputation.graph import Graph, Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.walks import walk_from

MAX_WALKS = 1000
"""Walks per account: the visits of all of them to one account fit 16 bits."""
_ACCOUNTS_AT_ONCE = 4096

Counts = NDArray[np.uint16]
Tally = tuple[Ints, Nodes, Counts]
"""Of some accounts that follow each other: the length of each row, and all rows' entries."""


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Account i's walks visited ``node[start[i]:start[i + 1]]``, ``count`` times each.

    ``walks`` walks per account, each of which stopped with a chance of ``stop`` / 2^16 at a step.
    ``start`` is int64 of shape (accounts + 1,), ``node`` int32 and ``count`` uint16 of shape
    (entries,); a row is in the order in which its walks first came by.
    """

    walks: int
    stop: int
    start: Ints
    node: Nodes
    count: Counts


def build_fingerprints(
    graph: Graph, walks_per_account: int, key: bytes, stop: int, threads: int = 1
) -> Fingerprints:
    """The fingerprints of all accounts; the same for any number of threads.

    A row takes 8 bytes, and 6 more for each account that its walks met. Raises InputError as
    `walk_from`, and for more than 1,000 walks per account.
    """
    tallies = tallies_of(
        graph, build_alias(graph), 0, graph.size, walks_per_account, key, stop, threads
    )
    return join_tallies(tallies, walks_per_account, stop)


def check_walks(walks_per_account: int) -> None:
    """Raise InputError for a number of walks of which no fingerprint is made."""
    if not 0 < walks_per_account <= MAX_WALKS:
        raise InputError(f"A fingerprint is made of 1 to {MAX_WALKS:,} walks.")


def tallies_of(
    graph: Graph,
    alias: Alias,
    first: int,
    last: int,
    walks_per_account: int,
    key: bytes,
    stop: int,
    threads: int = 1,
) -> list[Tally]:
    """The rows of accounts ``first`` to ``last`` - 1, in pieces that follow each other."""
    check_walks(walks_per_account)

    def piece(at: int) -> Tally:
        accounts = range(at, min(at + _ACCOUNTS_AT_ONCE, last))
        walks = walk_from(graph, alias, accounts, walks_per_account, key, stop)
        node = np.empty(len(walks.node), np.int32)
        count = np.empty(len(walks.node), np.uint16)
        row = np.empty(len(accounts), np.int64)
        times = np.zeros(graph.size, np.uint16)
        used = _tally(walks_per_account, walks.start, walks.node, times, node, count, row)
        return row, node[:used].copy(), count[:used].copy()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(piece, range(first, last, _ACCOUNTS_AT_ONCE)))


def join_tallies(tallies: Sequence[Tally], walks_per_account: int, stop: int) -> Fingerprints:
    """Put the pieces of all accounts, in order, together."""
    rows, nodes, counts = (np.concatenate(column) for column in zip(*tallies, strict=True))
    start = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(rows, out=start[1:])
    return Fingerprints(walks_per_account, stop, start, nodes, counts)


@compiled
def _tally(
    per_account: int,
    start: Ints,
    node: Nodes,
    times: Counts,
    tally: Nodes,
    count: Counts,
    row: Ints,
) -> int:  # pragma: no cover (compiled)
    """The visits of each account's walks, added up per account met; ``times`` is zero around it."""
    used = 0
    for a in range(len(row)):
        begin = used
        for i in range(start[a * per_account], start[(a + 1) * per_account]):
            v = node[i]
            if times[v] == 0:
                tally[used] = v
                used += 1
            times[v] += np.uint16(1)
        for k in range(begin, used):
            count[k] = times[tally[k]]
            times[tally[k]] = 0
        row[a] = used - begin
    return used
