"""Keeps walks up to date with a log of edges, change by change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from chainrep.errors import InputError
from chainrep.reputation.edge_change import EdgeChange
from chainrep.reputation.graph import Graph


class Walking(Protocol):
    """What changes with the edges of trust: `LiveWalks`."""

    def set_edge(self, rater: int, ratee: int, weight: int) -> None:
        """Insert an edge or give it another weight."""

    def remove_edge(self, rater: int, ratee: int) -> None:
        """Remove an edge that is there."""


class EdgeFeed:
    """Feeds walks that were made on ``graph``, the graph of the log at some head.

    ``so_far`` are the changes up to that head. Walks see trust alone: a warning takes an edge away.
    """

    def __init__(self, graph: Graph, walks: Walking, so_far: Iterable[EdgeChange]) -> None:
        self._graph, self._walks = graph, walks
        self._trusted = set[tuple[str, str]]()
        for change in so_far:
            self._note(change)

    def apply(self, changes: Iterable[EdgeChange]) -> None:
        """Apply the changes after that head, in order.

        Raises InputError at an account that the graph does not have: walk anew on a new graph then.
        """
        for change in changes:
            rater, ratee = self._number(change.rater), self._number(change.ratee)
            if change.weight > 0:
                self._walks.set_edge(rater, ratee, change.weight)
            elif (change.rater, change.ratee) in self._trusted:
                self._walks.remove_edge(rater, ratee)
            self._note(change)

    def _note(self, change: EdgeChange) -> None:
        pair = (change.rater, change.ratee)
        if change.weight > 0:
            self._trusted.add(pair)
        else:
            self._trusted.discard(pair)

    def _number(self, account: str) -> int:
        number = self._graph.find(account)
        if number is None:
            raise InputError(
                f"{account!r} is not in the graph that was walked.",
                "Build the graph and its walks anew.",
            )
        return number
