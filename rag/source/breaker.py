"""A circuit breaker: a source that fails again and again is left alone for a growing while.

Closed, every request passes. After some failures in a row it opens and none passes. When its pause
is over it is half open: one request is let through to try, and decides between closing it and a
pause twice as long. (M. Nygard, Release It!, 2007.)
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half open"]


@dataclass(frozen=True, slots=True)
class BreakerTerms:
    """It opens after ``failures`` in a row; pauses double from ``pause`` up to ``longest`` (s)."""

    failures: int = 3
    pause: float = 2.0
    longest: float = 300.0


class Breaker:
    """Not for several threads at once. Moments are seconds on any clock that never goes back.

    Every request that `admit` let through must end in one call of `succeeded` or `failed`.
    """

    def __init__(self, terms: BreakerTerms, chance: random.Random) -> None:
        self._terms = terms
        self._chance = chance
        self._in_a_row = 0
        self._pauses = 0
        self._opens_until: float | None = None
        self._trying = False

    def state(self, now: float) -> State:
        """Its state; half open also while the one trial request is under way."""
        if self._opens_until is None:
            return "closed"
        return "open" if now < self._opens_until else "half open"

    def rests_for(self, now: float) -> float:
        """How many seconds no request passes from now on, at least."""
        return max(0.0, (self._opens_until or now) - now)

    def admit(self, now: float) -> bool:
        """Whether a request may go out now."""
        if self._opens_until is None:
            return True
        if now < self._opens_until or self._trying:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """Note an answer: whatever was before is forgotten."""
        self._in_a_row = self._pauses = 0
        self._opens_until = None
        self._trying = False

    def failed(self, now: float, rest: float = 0.0) -> None:
        """Note a failure; ``rest`` are seconds for which the source asked to be left alone.

        Failures of requests that went out before it opened do not make the pause longer.
        """
        self._in_a_row += 1
        if self._opens_until is not None and not self._trying:
            self._opens_until = max(self._opens_until, now + self._bounded(rest))
            return
        if self._trying or rest > 0.0 or self._in_a_row >= self._terms.failures:
            self._opens_until = now + max(self._pause(), self._bounded(rest))
            self._pauses += 1
        self._trying = False

    def _pause(self) -> float:
        """Doubled, and spread over half of itself: askers that failed together return apart."""
        full = min(self._terms.longest, self._terms.pause * 2.0 ** min(self._pauses, 32))
        return full * (0.5 + 0.5 * self._chance.random())

    def _bounded(self, rest: float) -> float:
        return min(max(rest, 0.0), self._terms.longest)
