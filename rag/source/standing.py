"""How one remote source stands with us: whether to ask it now, and what it did so far."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rag.source.breaker import Breaker, BreakerTerms, State
from rag.source.exchange import Unanswered
from rag.source.hedging import HedgeBudget, Latencies
from rag.source.remote_source import RemoteSource


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What to show of one source; ``rests_for`` and ``seconds`` (a mean wait) are in seconds.

    ``faults`` counts answers that no honest source sends, ``second_requests`` the hedged ones.
    ``price`` is in wei, None where it is not known.
    """

    id: int
    state: State
    rests_for: float
    last_failure: str
    asked: int
    failures: int
    faults: int
    second_requests: int
    seconds: float
    price: int | None


class Standing:
    """One source's record. Not for several threads at once."""

    def __init__(
        self, source: RemoteSource, terms: BreakerTerms, hedged_share: float, chance: random.Random
    ) -> None:
        self.source = source
        self.breaker = Breaker(terms, chance)
        self.latencies = Latencies()
        self.hedges = HedgeBudget(hedged_share)
        self.price: int | None = None
        self.priced_at: float | None = None
        self.faults = 0
        self.last_failure = ""
        self._asked = 0
        self._failures = 0

    def ended(self, why: Unanswered | None, began: float, now: float) -> None:
        """Note that it was asked at ``began``, in vain for the reason ``why``, or not in vain."""
        self._asked += 1
        if why is None:
            self.breaker.succeeded()
            return
        self._failures += 1
        self.last_failure = why.reason
        self.latencies.in_vain(now - began)
        self.breaker.failed(now, why.rest)

    def health(self, now: float) -> SourceHealth:
        """Its record, to be shown."""
        return SourceHealth(
            self.source.id,
            self.breaker.state(now),
            self.breaker.rests_for(now),
            self.last_failure,
            self._asked,
            self._failures,
            self.faults,
            self.hedges.spent,
            self.latencies.mean,
            self.price,
        )
