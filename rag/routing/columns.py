"""Source ids as positions in a learner's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.errors import RouterError

MAX_SOURCES = 1_024


class Columns:
    """Gives each new source the next column; raises RouterError beyond MAX_SOURCES."""

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._positions: dict[int, int] = {}
        given = [int(each) for each in ids]
        self.of(given)
        if len(self._positions) != len(given):
            raise RouterError("A router's state names a source twice.", "Delete it; learn anew.")

    def __len__(self) -> int:
        return len(self._positions)

    def of(self, sources: Iterable[int]) -> list[int]:
        """Return the columns of these sources, new ones for those not seen before."""
        found = []
        for source in sources:
            if source not in self._positions and len(self) >= MAX_SOURCES:
                raise RouterError(
                    f"A router cannot learn about more than {MAX_SOURCES:,} sources.",
                    "Delete its state file to forget those that are gone.",
                )
            found.append(self._positions.setdefault(source, len(self)))
        return found

    def known(self, sources: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the columns of the sources that have one, and their places in ``sources``."""
        places = [n for n, source in enumerate(sources) if source in self._positions]
        return [self._positions[sources[n]] for n in places], places

    def ids(self) -> NDArray[np.int64]:
        """Return the source ids in the order of their columns."""
        return np.array(list(self._positions), dtype=np.int64)
