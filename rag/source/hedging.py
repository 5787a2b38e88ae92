"""When a second request is worth sending: after the source is later than it mostly is.

Sending it then and taking the first answer cuts the tail of latencies at a few per cent more
requests (J. Dean and L. A. Barroso, The Tail at Scale, 2013).
"""

from __future__ import annotations

import math
from collections import deque

KEPT = 128
LEAST = 16
"""So many latencies have to be known before "later than mostly" means something."""
LATE = 0.95
SHORTEST_SECONDS = 0.005
MAX_SAVED = 3.0
WEIGHT = 0.2


class Latencies:
    """The latest latencies of one source, in seconds. Not for several threads at once."""

    def __init__(self) -> None:
        self._kept: deque[float] = deque(maxlen=KEPT)
        self.mean = 0.0
        """An exponential mean, of waits that were in vain as well: what asking costs."""

    def answered(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._kept.append(seconds)
        self._waited(seconds)

    def in_vain(self, seconds: float) -> None:
        """Note a wait that ended without an answer."""
        self._waited(seconds)

    def late(self) -> float | None:
        """After how long an answer is later than 95 % of the last ones; None if not known yet."""
        if len(self._kept) < LEAST:
            return None
        ascending = sorted(self._kept)
        return max(SHORTEST_SECONDS, ascending[math.ceil(LATE * len(ascending)) - 1])

    def _waited(self, seconds: float) -> None:
        self.mean = seconds if self.mean == 0.0 else self.mean + WEIGHT * (seconds - self.mean)


class HedgeBudget:
    """Second requests: never more than ``share`` of the first ones. Not for several threads."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._saved = 0.0
        self.spent = 0

    def earn(self) -> None:
        """Note a first request. What is not spent is saved, up to three second ones."""
        self._saved = min(MAX_SAVED, self._saved + self._share)

    def spend(self) -> bool:
        """Whether a second request may go out; it then counts as sent."""
        if self._saved < 1.0 - 1e-9:
            return False
        self._saved -= 1.0
        self.spent += 1
        return True
