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
_NOTHING = 0.05
"""What is left of a sum, in nats, when all of it is forgotten."""
_BEYOND = 1.0
"""A sum grows no further beyond the threshold, so that being right takes the doubt away soon."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The evidence on a source since it fell, and whether it was suspected before that."""

    supported: float
    contradicted: float
    suspected: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """The probability that a source has fallen, and the evidence on it since that may have been."""

    probability: float
    supported: float
    contradicted: float


@dataclass(slots=True)
class DriftAlarm:
    """Sums up how much better a fallen reliability explains what a source did than its usual one.

    The fallen reliability is ``fall`` × the usual one. The alarm goes off when a sum, in nats,
    passes ``threshold`` and rests on ``mistakes`` units of evidence against the source at least:
    everybody makes one now and then. The source starts at 0 again then. One whose usual
    reliability is under ``floor`` has nowhere to fall. Whoever is suspected for another reason has
    a head start, a share of the threshold.

    Short of an alarm a sum says how probable a fall is: ``doubt``. Sums and what they are of fade
    by ``half_life``, in the unit of the times given.
    """

    threshold: float = 4.0
    fall: float = 0.5
    floor: float = 0.5
    mistakes: float = 0.0
    half_life: float = math.inf
    _sums: dict[int, tuple[float, float, float, float, float]] = field(default_factory=dict)
    """The sum, the evidence for and against since it last was 0, its head start, and the time."""

    def observe(
        self,
        source: int,
        usual: float,
        supported: float,
        contradicted: float,
        times: float = 1.0,
        *,
        time: float = 0.0,
    ) -> Fall | None:
        """Take evidence on one source; if it has fallen, return all evidence since it fell.

        ``usual`` (0..1) is its reliability as it was estimated before this evidence, which tells
        as much as ``times`` such mistakes.
        """
        if usual < self.floor:
            self._sums.pop(source, None)
            return None
        before = min(usual, _BEST)
        after = before * self.fall
        gain = supported * math.log(after / before)
        gain += contradicted * math.log((1.0 - after) / (1.0 - before))
        before_it, since_for, since_against, ahead = self._now(source, time)
        self._sums.pop(source, None)
        total = min(before_it + times * gain, self.threshold + _BEYOND)
        fall = Fall(since_for + supported, since_against + contradicted, ahead > 0.0)
        if total > self.threshold and fall.contradicted >= self.mistakes:
            return fall
        if total > 0.0:
            self._sums[source] = (total, fall.supported, fall.contradicted, ahead, time)
        return None

    def doubt(self, source: int, *, time: float = 0.0) -> Doubt:
        """Return how probable it is that a source has fallen.

        That is the logistic function of the sum's distance from the threshold, moved so that it is
        0 where the sum is: a little under ½ at the threshold.
        """
        total, since_for, since_against, _ = self._now(source, time)
        none, now = (0.5 + 0.5 * math.tanh((s - self.threshold) / 2) for s in (0.0, total))
        return Doubt((now - none) / (1.0 - none), since_for, since_against)

    def suspect(self, source: int, share: float, *, time: float = 0.0) -> None:
        """Give a source a head start, unless evidence against it sums up to more anyway."""
        ahead = self.threshold * share
        total, since_for, since_against, _ = self._now(source, time)
        if total < ahead:
            self._sums[source] = (ahead, since_for, since_against, ahead, time)

    def _now(self, source: int, time: float) -> tuple[float, float, float, float]:
        """Return the sum, the evidence since it was 0 and the head start, as far as not faded."""
        *amounts, then = self._sums.get(source, (0.0,) * 5)
        left = 0.5 ** (max(time - then, 0.0) / self.half_life)
        if left * amounts[0] < _NOTHING:
            return 0.0, 0.0, 0.0, 0.0
        total, since_for, since_against, ahead = (left * amount for amount in amounts)
        return total, since_for, since_against, ahead

    def state(self) -> Arrays:
        """Return the sums and what they are of, by source."""
        return {
            "sources": np.array(list(self._sums), dtype=np.int64),
            "sums": np.array(list(self._sums.values()), dtype=np.float64).reshape(-1, 5),
        }

    def restore(self, state: Arrays) -> None:
        """Take them over; raises StateError if they do not fit."""
        sources = taken(state, "sources", np.int64, (None,))
        sums = taken(state, "sums", np.float64, (len(sources), 5), most=1e12)
        self._sums.clear()
        for source, row in zip(sources.tolist(), sums.tolist(), strict=True):
            total, since_for, since_against, ahead, time = row
            self._sums[source] = (total, since_for, since_against, ahead, time)

    def drop(self, sources: Collection[int]) -> None:
        """Forget these sources."""
        for source in sources:
            self._sums.pop(source, None)
