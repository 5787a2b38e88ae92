"""How one RPC URL stands with us: whether to ask it now, and what it did so far."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.chain.rpc_url import RpcUrl
from chainrep.chain.unanswered import OnAnotherChain, Unanswered, Unreachable

REST_SECONDS, MAX_REST_SECONDS = 1.0, 60.0
DISTRUST_SECONDS, MAX_DISTRUST_SECONDS = 60.0, 3_600.0


@dataclass(frozen=True, slots=True)
class UrlHealth:
    """What to show of one RPC URL; ``url`` is its public part, numbered where two are alike.

    ``state`` is "ok", "resting", "distrusted" or "another chain"; ``rests_for`` is in seconds.
    """

    url: str
    state: str
    rests_for: float
    last_error: str
    requests: int
    failures: int


class UrlStanding:
    """One URL's record. Not for several threads at once: its owner holds a lock.

    After a failure it rests for a pause that doubles with each failure in a row; then it is asked
    only if no other one answers. A distrusted one is not asked at all for a longer while.
    """

    def __init__(self, url: RpcUrl, name: str) -> None:
        self.url = url
        self.name = name
        self.verified = False
        self.another_chain = False
        self.last_error = ""
        self.requests = 0
        self.failures = 0
        self.rests_until = 0.0
        self.distrusted_until = 0.0
        self._in_a_row = 0
        self._lies = 0

    def answered(self) -> None:
        """Note an answer: the next failure starts with a short rest again."""
        self.requests += 1
        self._in_a_row = 0
        self.rests_until = 0.0

    def failed(self, failure: Unanswered, now: float) -> None:
        """Note a request without an answer."""
        self.requests += 1
        self.failures += 1
        self.last_error = failure.reason
        if isinstance(failure, OnAnotherChain):
            self.another_chain = True
        if isinstance(failure, Unreachable):
            self.verified = False
        if now >= self.rests_until:  # threads that fail together are one failure
            self._in_a_row += 1
            self.rests_until = now + _pause(REST_SECONDS, self._in_a_row, MAX_REST_SECONDS)

    def distrust(self, reason: str, now: float) -> None:
        """Note that its answers were found to be false, or of no use."""
        self.last_error = reason
        self._lies += 1  # no answer makes up for it
        pause = _pause(DISTRUST_SECONDS, self._lies, MAX_DISTRUST_SECONDS)
        self.distrusted_until = now + pause

    def usable(self, now: float) -> bool:
        """Whether it may be asked at all, resting or not."""
        return not self.another_chain and now >= self.distrusted_until

    def health(self, now: float) -> UrlHealth:
        """Its record, to be shown."""
        until = max(self.rests_until, self.distrusted_until)
        if self.another_chain:
            state, until = "another chain", 0.0
        elif now < self.distrusted_until:
            state = "distrusted"
        else:
            state = "resting" if now < self.rests_until else "ok"
        rests_for = max(0.0, until - now)
        return UrlHealth(self.name, state, rests_for, self.last_error, self.requests, self.failures)


def _pause(first: float, times: int, longest: float) -> float:
    return min(longest, first * 2.0 ** min(times - 1, 30))
