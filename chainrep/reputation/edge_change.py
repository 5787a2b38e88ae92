"""One change of one edge, its bytes, and the graph that a history of changes leads to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import (
    MAX_WEIGHT,
    Graph,
    Links,
    build_graph,
    make_links,
)
from chainrep.reputation.units import MAX_NAME_BYTES

MAX_TIME = 2**40 - 1
MIN_BYTES, MAX_BYTES = 14, 12 + 2 * MAX_NAME_BYTES
GENESIS = bytes(32)
"""The rolling hash of an empty history."""


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """From ``time`` (Unix s) on ``rater`` gives ``ratee`` this weight: a warning below zero.

    Zero takes the edge back. Raises InputError for what no graph could hold.
    """

    rater: str
    ratee: str
    weight: int
    time: int

    def __post_init__(self) -> None:
        for name in (self.rater, self.ratee):
            if not name or not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES:
                raise InputError(f"{name[:60]!r} is no account's name.")
        if self.rater == self.ratee:
            raise InputError(f"{self.rater!r} rates itself.")
        if abs(self.weight) > MAX_WEIGHT:
            raise InputError(f"An edge's weight lies in -{MAX_WEIGHT:,}..{MAX_WEIGHT:,}.")
        if not 0 <= self.time <= MAX_TIME:
            raise InputError("The time of a change is no Unix time.")


def change_bytes(change: EdgeChange) -> bytes:
    """Time (5 bytes), weight (signed, 3), then both names, each after its length (2)."""
    names = [change.rater.encode(), change.ratee.encode()]
    return b"".join(
        [
            change.time.to_bytes(5),
            change.weight.to_bytes(3, signed=True),
            *(len(name).to_bytes(2) + name for name in names),
        ]
    )


def change_from(content: bytes) -> EdgeChange:
    """The change that these bytes are the one form of; raise InputError for other bytes."""
    cut = 10 + int.from_bytes(content[8:10])
    try:
        rater, ratee = content[10:cut].decode(), content[cut + 2 :].decode()
        weight = int.from_bytes(content[5:8], signed=True)
        change = EdgeChange(rater, ratee, weight, int.from_bytes(content[:5]))
    except UnicodeDecodeError:
        raise InputError("A change of an edge has a name that is not UTF-8.") from None
    if change_bytes(change) != content:
        raise InputError("A change of an edge is not in its one form of writing.")
    return change


def roll(head: bytes, content: bytes) -> bytes:
    """The rolling hash after a change: SHA-256 of the one before and the change's bytes."""
    return hashlib.sha256(head + content).digest()


def graph_after(changes: Iterable[EdgeChange]) -> Graph:
    """The graph after these changes in their order; every account they name is in it."""
    weights: dict[tuple[str, str], int] = {}
    for change in changes:
        weights[change.rater, change.ratee] = change.weight
    names = sorted({name for pair in weights for name in pair})
    number = {name: i for i, name in enumerate(names)}
    raters = np.array([number[rater] for rater, _ in weights], np.int64)
    ratees = np.array([number[ratee] for _, ratee in weights], np.int64)
    weight = np.fromiter(weights.values(), np.int64, len(weights))

    def links(kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Links:
        return make_links(raters[kept], ratees[kept], np.abs(weight[kept]))

    return build_graph(names, links(weight > 0), links(weight < 0))
