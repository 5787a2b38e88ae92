"""Which sources have the same to say, by the passages that they gave to the same questions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set

import numpy as np

from rag.routing.columns import Columns
from rag.state.arrays import Arrays, Floats, taken

FADE = 0.99
PRIOR = 20.0


class Overlap:
    """Counts of shared passages per pair of sources; what is older counts less.

    overlap_ij = (shared_ij) / (given_j + prior): the share of j's passages that i gave too when
    both were asked. ``prior`` imagined passages that nobody shares keep chance from counting.
    """

    def __init__(self, prior: float = PRIOR, fade: float = FADE) -> None:
        self._prior = prior
        self._fade = fade
        self._columns = Columns()
        self._shared = np.zeros((0, 0))
        self._given = np.zeros((0, 0))

    def learn(self, given: Mapping[int, Set[Hashable]]) -> None:
        """Take what each source asked gave to one question, as comparable passages or digests."""
        if not given:
            return
        columns, taken_over = self._columns.of(given)
        for counts in (self._shared, self._given):
            counts[taken_over, :] = counts[:, taken_over] = 0.0
        lacking = len(self._columns) - len(self._shared)
        if lacking:
            self._shared = np.pad(self._shared, (0, lacking))
            self._given = np.pad(self._given, (0, lacking))
        sets = list(given.values())
        asked = np.ix_(columns, columns)
        shared = np.array([[len(a & b) for b in sets] for a in sets], dtype=np.float64)
        sizes = np.array([len(each) for each in sets], dtype=np.float64)
        self._shared[asked] = self._fade * self._shared[asked] + shared.reshape(len(sets), -1)
        self._given[asked] = self._fade * self._given[asked] + sizes

    def among(self, sources: Sequence[int]) -> Floats:
        """Return overlap (n, n) in 0..1 among these sources; strangers overlap with nobody."""
        columns, places = self._columns.known(sources)
        found = np.zeros((len(sources), len(sources)))
        asked = np.ix_(columns, columns)
        found[np.ix_(places, places)] = self._shared[asked] / (self._given[asked] + self._prior)
        np.fill_diagonal(found, 1.0)
        return found

    def state(self) -> Arrays:
        """Return the counts."""
        return {"sources": self._columns.ids(), "shared": self._shared, "given": self._given}

    def restore(self, state: Arrays) -> None:
        """Take over counts; raises StateError if they do not fit."""
        sources = taken(state, "sources", np.int64, (None,))
        square = (len(sources), len(sources))
        shared = taken(state, "shared", np.float64, square, most=1e12)
        self._given = taken(state, "given", np.float64, square, most=1e12)
        self._shared, self._columns = np.minimum(shared, self._given), Columns(sources)
