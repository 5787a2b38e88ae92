"""Source ids as positions in a learner's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.errors import StateError
from rag.state.arrays import REMEDY

MAX_SOURCES = 1_024


class Columns:
    """Gives each new source the next column; beyond MAX_SOURCES that of the longest untouched one.

    Whoever keeps something by column has to clear those that ``of`` says had another owner.
    """

    def __init__(self, ids: Iterable[int] = ()) -> None:
        given = [int(each) for each in ids]
        self._positions = {source: n for n, source in enumerate(given)}
        self._touched = dict.fromkeys(given)
        if len(self._positions) != len(given):
            raise StateError("A router's state names a source twice.", REMEDY)
        if len(given) > MAX_SOURCES:
            raise StateError(f"A router's state names over {MAX_SOURCES:,} sources.", REMEDY)

    def __len__(self) -> int:
        return len(self._positions)

    def of(self, sources: Iterable[int]) -> tuple[list[int], list[int]]:
        """Return the columns of at most MAX_SOURCES sources, and which had another owner before."""
        found, taken_over = [], []
        for source in sources:
            if source not in self._positions and len(self) >= MAX_SOURCES:
                oldest = next(iter(self._touched))
                del self._touched[oldest]
                self._positions[source] = self._positions.pop(oldest)
                taken_over.append(self._positions[source])
            found.append(self._positions.setdefault(source, len(self)))
            self._touched.pop(source, None)
            self._touched[source] = None
        return found, taken_over

    def known(self, sources: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the columns of the sources that have one, and their places in ``sources``."""
        places = [n for n, source in enumerate(sources) if source in self._positions]
        return [self._positions[sources[n]] for n in places], places

    def ids(self) -> NDArray[np.int64]:
        """Return the source ids in the order of their columns."""
        return np.array(sorted(self._positions, key=self._positions.__getitem__), dtype=np.int64)
