"""Several RPC URLs of one chain as one web3 provider: when one fails, the next one is asked.

Every request that chainrep makes may be made twice, sending a signed transaction included, so that
a request whose answer was lost is simply repeated elsewhere.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock, local
from typing import Any, TypeVar, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chainrep.chain.rpc_answer import read_answer
from chainrep.chain.rpc_url import RpcUrl
from chainrep.chain.timed_backend import Clock
from chainrep.chain.unanswered import AskedForTooMuch, OnAnotherChain, ServiceRefused, Unanswered
from chainrep.chain.url_standing import UrlHealth, UrlStanding
from chainrep.errors import AskedTooMuch, ChainError, ChainUnreachable, InputError, WrongChain

REQUEST_SECONDS = 20.0
"""For one request, all tries together; each URL gets an equal share of what is left."""
MAX_URLS = 16
PAUSES = (0.0, 0.25, 1.0)
"""Seconds before each round through the URLs, one URL or several.

A server that counts requests, restarts, or closes an idle connection answers a moment later, and
an operator's command should not fail for that. Where nothing listens, nothing answers in time or
nonsense comes back, there is no second round: it would only delay the message.
"""
_CHAIN_ID = re.compile(r"0x[0-9a-f]{1,16}", re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which chain it is; ``genesis`` is the hash of its first block, "0x…"."""

    chain_id: int
    genesis: str


class FailoverProvider(JSONBaseProvider):
    """A web3 provider over URLs in order of preference, for any number of threads.

    The first URL that answers settles which chain this is, by id and genesis block; another one is
    compared with it before it is used, and again after its connection broke. ``seconds`` bound a
    request; ``clock`` is monotonic. Raises InputError for what are no 1 to 16 HTTP URLs.
    """

    # A hostile server could otherwise have web3 fetch any URL, by CCIP-Read (EIP-3668).
    global_ccip_read_enabled = False

    def __init__(
        self,
        urls: Sequence[str],
        expected_chain_id: int | None = None,
        seconds: float = REQUEST_SECONDS,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        if not 1 <= len(urls) <= MAX_URLS:
            raise InputError(
                f"There are {len(urls)} RPC URLs, not 1 to {MAX_URLS}.", "Check --rpc."
            )
        found = [RpcUrl(url, clock) for url in urls]
        self._standings = _named(found)
        self._expected = expected_chain_id
        self._identity: Identity | None = None
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._thread = local()

    @property
    def label(self) -> str:
        """The public part of the URL that this thread was answered by last, or would ask."""
        return self._current().name

    def identity(self) -> Identity:
        """Which chain this is, as a server has said; raises as ``make_request`` does."""
        try:
            self._first_answer(lambda *_: None)
        except _NoAnswer as none:
            raise self._explained(none) from none
        return cast(Identity, self._identity)  # settled before anyone is asked anything

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The first answer that any URL gives; a JSON-RPC error that is an answer is returned.

        Raises ChainUnreachable where none answers (AskedTooMuch if one might answer a smaller
        question), and WrongChain where all are on other chains.
        """
        body = self.encode_rpc_request(method, params)
        try:
            return self._first_answer(
                lambda standing, deadline: self._exchange(standing, method, body, deadline)
            )
        except _NoAnswer as none:
            for standing, failure in none.failures.items():
                if isinstance(failure, ServiceRefused) and failure.answer is not None:
                    self._thread.answered = standing
                    return failure.answer
            raise self._explained(none) from none

    def switch(self, reason: str) -> bool:
        """Distrust the URL that this thread was answered by last; False if it is the only one.

        Then nothing is changed. One that is distrusted is not asked again for a minute, and twice
        as long each time.
        """
        blamed = self._current()
        now = self._clock()
        with self._lock:
            others = [s for s in self._standings if s is not blamed and s.usable(now)]
            if others and blamed.usable(now):
                blamed.distrust(reason, now)
        return bool(others)

    def health(self) -> Sequence[UrlHealth]:
        """How every URL stands, in the order given."""
        with self._lock:
            return [standing.health(self._clock()) for standing in self._standings]

    def _first_answer(self, ask: Callable[[UrlStanding, float], T]) -> T:
        deadline = self._clock() + self._seconds
        failures: dict[UrlStanding, Unanswered] = {}
        for pause in PAUSES:
            if self._clock() + pause >= deadline:
                break
            if pause:
                self._sleep(pause)
            standings = self._candidates()
            for place, standing in enumerate(standings):
                now = self._clock()
                share = (deadline - now) / (len(standings) - place)
                try:
                    return self._asked(standing, ask, now + share)
                except Unanswered as failure:
                    failures[standing] = failure
            if not any(failure.passing for failure in failures.values()):
                break
        raise _NoAnswer(failures)

    def _asked(
        self, standing: UrlStanding, ask: Callable[[UrlStanding, float], T], deadline: float
    ) -> T:
        try:
            if not standing.verified:
                self._verify(standing, deadline)
            answer = ask(standing, deadline)
        except Unanswered as failure:
            with self._lock:
                standing.failed(failure, self._clock())
            raise
        with self._lock:
            standing.answered()
        self._thread.answered = standing
        return answer

    def _candidates(self) -> list[UrlStanding]:
        """Whom to ask, best first: those that rest last, since a rest says only "rather not"."""
        now = self._clock()
        with self._lock:
            usable = [standing for standing in self._standings if standing.usable(now)]
            return sorted(usable, key=lambda s: s.rests_until if s.rests_until > now else 0.0)

    def _current(self) -> UrlStanding:
        answered: UrlStanding | None = getattr(self._thread, "answered", None)
        return answered or next(iter(self._candidates()), self._standings[0])

    def _exchange(
        self, standing: UrlStanding, method: str, body: bytes, deadline: float
    ) -> RPCResponse:
        status, content = standing.url.post(body, deadline)
        return read_answer(method, status, content, standing.url.secrets)

    def _verify(self, standing: UrlStanding, deadline: float) -> None:
        """See that this is the chain that the connection is about; the first answer settles it."""

        def result(method: str, params: list[Any]) -> Any:
            body = self.encode_rpc_request(RPCEndpoint(method), params)
            return self._exchange(standing, method, body, deadline).get("result")

        stated = result("eth_chainId", [])
        if not isinstance(stated, str) or not _CHAIN_ID.fullmatch(stated):
            raise Unanswered("does not say which chain it serves")
        chain_id = int(stated, 16)
        expected = self._identity.chain_id if self._identity else self._expected
        if expected not in {None, chain_id}:
            raise OnAnotherChain(f"has id {chain_id}, not {expected}")
        block = result("eth_getBlockByNumber", ["0x0", False])
        genesis = block.get("hash") if isinstance(block, dict) else None
        if not isinstance(genesis, str) or not _HASH.fullmatch(genesis.lower()):
            raise Unanswered("does not say what its first block is")
        found = Identity(chain_id, genesis.lower())
        with self._lock:
            self._identity = self._identity or found
            standing.verified = found == self._identity
        if not standing.verified:
            raise OnAnotherChain(
                f"has the first block {found.genesis}, not {self._identity.genesis}"
            )

    def _explained(self, none: _NoAnswer) -> ChainError:
        with self._lock:
            why = {s: s.last_error for s in self._standings} | none.reasons
            lost = all(standing.another_chain for standing in self._standings)
        if lost:
            stated = "; the one at ".join(f"{s.name} {reason}" for s, reason in why.items())
            return WrongChain(f"The chain at {stated}.", "Check --rpc and --chain-id.")
        listed = ", ".join(f"{s.name} ({reason})" for s, reason in why.items())
        if none.asked_too_much:
            return AskedTooMuch(
                f"No chain answers at {listed}.",
                "Try again when it is less busy, or give another URL with --rpc.",
            )
        return ChainUnreachable(
            f"No chain answers at {listed}.",
            "Start one with `chainrep devnet start`, or give another URL with --rpc.",
        )


class _NoAnswer(Exception):
    """What each URL that was asked failed with, last."""

    def __init__(self, failures: dict[UrlStanding, Unanswered]) -> None:
        super().__init__()
        self.failures = failures
        self.reasons = {standing: failure.reason for standing, failure in failures.items()}
        self.asked_too_much = any(isinstance(f, AskedForTooMuch) for f in failures.values())


def _named(urls: Sequence[RpcUrl]) -> Sequence[UrlStanding]:
    """Standings named by the URL's public part, with a number where that was seen before."""
    seen: Counter[str] = Counter()
    standings = []
    for url in urls:
        seen[url.public] += 1
        number = f" #{seen[url.public]}" if seen[url.public] > 1 else ""
        standings.append(UrlStanding(url, url.public + number))
    return standings
