"""Sources that used to be good: a one-sided CUSUM on each (Page, "Continuous inspection
schemes", Biometrika 1954).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from rag.state.arrays import Arrays, taken

_BEST = 0.95


@dataclass(frozen=True, slots=True)
class Fall:
    """The evidence on a source since it fell, and whether it was suspected before that."""

    supported: float
    contradicted: float
    suspected: bool


@dataclass(slots=True)
class DriftAlarm:
    """Sums up how much better a fallen reliability explains what a source did than its usual one.

    The fallen reliability is ``fall`` × the usual one. The alarm goes off when a sum, in nats,
    passes ``threshold``; the source starts at 0 again then. A source whose usual reliability is
    under ``floor`` has nowhere to fall.

    Whoever is suspected for another reason has a head start, a share of the threshold. With it one
    mistake more raises no alarm, however good the source: everybody makes one now and then.
    """

    threshold: float = 4.0
    fall: float = 0.5
    floor: float = 0.5
    _sums: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)
    """The sum, the evidence for and against since it last was 0, and its head start."""

    def observe(
        self, source: int, usual: float, supported: float, contradicted: float
    ) -> Fall | None:
        """Take evidence on one source; if it has fallen, return all evidence since it fell.

        ``usual`` (0..1) is its reliability as it was estimated before this evidence.
        """
        if usual < self.floor:
            self._sums.pop(source, None)
            return None
        before = min(usual, _BEST)
        after = before * self.fall
        gain = supported * math.log(after / before)
        gain += contradicted * math.log((1.0 - after) / (1.0 - before))
        before_it, since_for, since_against, ahead = self._sums.pop(source, (0.0,) * 4)
        total = before_it + gain
        fall = Fall(since_for + supported, since_against + contradicted, ahead > 0.0)
        if total > self.threshold and not (fall.suspected and fall.contradicted <= 1.0):
            return fall
        if total > 0.0:
            self._sums[source] = (total, fall.supported, fall.contradicted, ahead)
        return None

    def suspect(self, source: int, share: float) -> None:
        """Give a source a head start, unless evidence against it is being summed up anyway."""
        ahead = self.threshold * share
        self._sums.setdefault(source, (ahead, 0.0, 0.0, ahead))

    def state(self) -> Arrays:
        """Return the sums and what they are of, by source."""
        return {
            "sources": np.array(list(self._sums), dtype=np.int64),
            "sums": np.array(list(self._sums.values()), dtype=np.float64).reshape(-1, 4),
        }

    def restore(self, state: Arrays) -> None:
        """Take them over; raises RouterError if they do not fit."""
        sources = taken(state, "sources", np.int64, (None,))
        sums = taken(state, "sums", np.float64, (len(sources), 4), most=1e12)
        self._sums.clear()
        for source, (total, since_for, since_against, ahead) in zip(
            sources.tolist(), sums.tolist(), strict=True
        ):
            self._sums[source] = (total, since_for, since_against, ahead)

    def drop(self, sources: Collection[int]) -> None:
        """Forget these sources."""
        for source in sources:
            self._sums.pop(source, None)
