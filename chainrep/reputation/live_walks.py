"""Walks kept up to date while edges come, go and change weight, equal to a rebuild to the last bit.

A walk is a function of its key, source, index and the graph, so it can only change where it stands
at an account whose row changed: from there it is walked anew, and all else stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation import live_paths, live_rows
from chainrep.reputation.alias import Alias, Table
from chainrep.reputation.graph import MAX_WEIGHT, Graph, Ints, Nodes, build_graph, make_links
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Words, streams_of, walk_state
from chainrep.reputation.rewalk import DONE, rewalk
from chainrep.reputation.walks import DISCOVERY_STOP, Walks, walk_from

MAX_LIVE_WALKS = 2**24


class LiveWalks:
    """Walks from each seed, on a graph of which the accounts are fixed and the edges are not."""

    __slots__ = (
        "_accounts", "_paths", "_per_seed", "_rows", "_seeds", "_states", "_stop", "_warned",
    )  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        alias: Alias,
        seeds: Sequence[int],
        walks_per_seed: int,
        key: bytes,
        stop: int = DISCOVERY_STOP,
    ) -> None:
        """Walk as `walk_from` does; raises InputError as it does, and above 2^24 walks."""
        if len(seeds) * walks_per_seed > MAX_LIVE_WALKS:
            raise InputError(f"At most {MAX_LIVE_WALKS:,} walks are kept up to date.")
        walks = walk_from(graph, alias, seeds, walks_per_seed, key, stop)
        streams = streams_of(key, (graph.accounts[i] for i in walks.seeds))
        self._accounts, self._warned = graph.accounts, graph.warned
        self._seeds, self._per_seed, self._stop = walks.seeds, walks_per_seed, stop
        self._states = _states(streams, walks_per_seed)
        self._rows = live_rows.lay_out(alias)
        self._paths = live_paths.link_paths(walks, graph.size)

    def set_edge(self, rater: int, ratee: int, weight: int) -> None:
        """Insert an edge or give it another weight, 1..65,535.

        Raises InputError for accounts that are not in the graph, or the same, and for the weight.
        """
        if not 1 <= weight <= MAX_WEIGHT:
            raise InputError(f"An edge's weight lies in 1..{MAX_WEIGHT}.")
        self._change(rater, ratee, weight)

    def remove_edge(self, rater: int, ratee: int) -> None:
        """Remove an edge; raise InputError where there is none."""
        self._change(rater, ratee, 0)

    @property
    def hits(self) -> Ints:
        """How many walks meet each account: int64 of shape (accounts,)."""
        return self._paths.met[:, 1].astype(np.int64)

    def walks(self) -> Walks:
        """The walks as they are now."""
        start, node = live_paths.flat(self._paths, len(self._states))
        return Walks(self._seeds, self._per_seed, start, node)

    def graph(self) -> Graph:
        """The graph as it is now; its warnings are those that it came with."""
        trusted = make_links(*live_rows.links(self._rows))
        warned = self._warned
        rater = np.repeat(np.arange(len(self._accounts)), np.diff(warned.start))
        return build_graph(self._accounts, trusted, make_links(rater, warned.node, warned.weight))

    def _change(self, rater: int, ratee: int, weight: int) -> None:
        size = len(self._accounts)
        rater, ratee, weight = index(rater), index(ratee), index(weight)
        if not (0 <= rater < size and 0 <= ratee < size):
            raise InputError("An edge names an account that is not in the graph.")
        if rater == ratee:
            raise InputError(f"{self._accounts[rater]!r} rates itself.")
        rows, paths = self._rows, self._paths
        while True:
            came_to, visit = _update(
                rows.row, rows.table, rows.free, paths.line, paths.met, paths.pool, self._states,
                self._stop, rater, ratee, weight,
            )  # fmt: skip
            if came_to != live_rows.NO_ROOM:
                break
            live_rows.grow(rows)
        if came_to == live_rows.ABSENT:
            raise InputError("There is no such edge to remove.")
        while visit != DONE:
            live_paths.grow(paths)
            visit = rewalk(
                rows.row, rows.table, self._stop, paths.line, paths.met, paths.pool, self._states,
                rater, visit,
            )  # fmt: skip


@compiled
def _states(streams: Words, per_seed: int) -> Words:  # pragma: no cover (compiled)
    states = np.empty(len(streams) * per_seed, np.uint64)
    at = np.uint64(0)
    for seed in range(np.uint64(len(streams))):
        for number in range(np.uint64(per_seed)):
            states[at] = walk_state(streams[seed, 0], streams[seed, 1], number)
            at += np.uint64(1)
    return states


@compiled
def _update(
    row: Table,
    table: Table,
    free: Ints,
    line: Nodes,
    met: Nodes,
    pool: Ints,
    states: Words,
    stop: int,
    rater: int,
    ratee: int,
    weight: int,
) -> tuple[int, int]:  # pragma: no cover (compiled)
    """What the change came to, and with which visit `rewalk` has to go on, if any."""
    came_to = live_rows.change_row(row, table, free, rater, ratee, weight)
    if came_to != live_rows.CHANGED:
        return came_to, DONE
    visit = np.int64(met[np.uint64(rater), 0])
    return came_to, rewalk(row, table, stop, line, met, pool, states, rater, visit)
