"""Many sources on other machines, asked at once; none is trusted, none is waited for too long."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext, suppress
from typing import Any

import httpcore

from chainrep.errors import InputError
from rag.source.answer_check import AnswerCheck, Asked, prepare
from rag.source.asking import Asking
from rag.source.asking_terms import AskingTerms
from rag.source.conflicts import AccusationBook
from rag.source.credentials import Credentials, nothing
from rag.source.exchange import Exchange
from rag.source.host_names import HostNames
from rag.source.invitations import invite
from rag.source.loop_thread import LoopThread
from rag.source.prices import look_up_price
from rag.source.public_network import PublicNetwork, is_inside
from rag.source.receipts import SourceDomain
from rag.source.remote_source import RemoteSource, host_of
from rag.source.standing import SourceHealth, Standing
from rag.types import Cost, Found, Silence

MAX_IN_BACKGROUND = 256
BACKGROUND_AT_ONCE = 32
"""Of these, requests at a time: the others wait, and hold no connection."""
_GRACE_SECONDS = 2.0

logger = logging.getLogger(__name__)


class RemoteRetriever:
    """A Retriever over HTTP. Close it, or use it as a context.

    ``domain`` is where receipts have to be good: what carries no receipt of the source's owner for
    just this query and these passages is no evidence. ``book`` takes proofs that a source signed
    two answers to one query, and who is in it is not asked. ``credentials`` say what a source is
    shown that does not answer everybody. Private addresses are refused unless ``allow_private``.
    Any number of threads may search. Raises InputError where two sources have one id.
    """

    def __init__(
        self,
        sources: Iterable[RemoteSource],
        domain: SourceDomain,
        terms: AskingTerms | None = None,
        *,
        book: AccusationBook | None = None,
        credentials: Credentials = nothing,
        allow_private: bool = False,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        self._domain = domain
        self._terms = terms or AskingTerms()
        self._chance = chance or random.SystemRandom()
        self._standings: dict[int, Standing] = {}
        self.update(sources)
        network = PublicNetwork(HostNames(), allow_private=allow_private)
        authorities = httpcore.default_ssl_context()  # once: it reads a file of certificates
        self._asking = Asking(
            self._terms,
            AnswerCheck(domain, self._terms.clock_tolerance, self._terms.room),
            book or AccusationBook(domain),
            credentials,
            Exchange(network, authorities),
            Exchange(network, authorities, keep=False),
            clock,
        )
        self._turns = asyncio.Semaphore(self._terms.at_once)
        self._repeats: set[asyncio.Task[None]] = set()
        self._price_questions: set[asyncio.Task[None]] = set()
        self._background_turns = asyncio.Semaphore(BACKGROUND_AT_ONCE)
        self._hurry = asyncio.Event()
        self._loop = LoopThread("sources", self._end)

    def __enter__(self) -> RemoteRetriever:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the sources that can be asked, ascending."""
        return tuple(self._standings)

    def update(self, sources: Iterable[RemoteSource]) -> None:
        """Ask these sources from now on; what is known of those that stay the same is kept.

        Raises InputError where two have one id.
        """
        listed = sorted(sources, key=lambda source: source.id)
        if len({source.id for source in listed}) < len(listed):
            raise InputError("Two sources have the same id.", "Give each its registered id.")
        self._standings = {source.id: self._standing(source) for source in listed}

    def search(self, query: str, sources: Sequence[int], k: int) -> dict[int, Found | Silence]:
        """Ask each of ``sources`` for at most ``k`` passages; one that fails is silent.

        So are those of one owner above the terms' ``per_owner``: the lowest ids are asked.

        Ends within the terms' ``total_seconds`` and a moment. Raises InputError for a query that
        no source could be asked, or a k outside 1..50.
        """
        asked, chosen = prepare(query, k), sorted(set(sources))
        seconds = self._terms.total_seconds + _GRACE_SECONDS
        try:
            return self._loop.run(self._search(asked, chosen), seconds)
        except TimeoutError:
            logger.exception("the event loop of the sources is stuck")
            return {s: Silence(s, "was not heard: this machine is too busy") for s in chosen}

    def costs(self) -> dict[int, Cost]:
        """What is known of prices and latencies; new prices are asked for in the background."""
        standings = self._standings
        if any(self._lacks_price(standing) for standing in standings.values()):
            self._loop.soon(self._look_up_prices)
        return {i: Cost(s.price or 0, s.latencies.mean) for i, s in standings.items()}

    def health(self) -> tuple[SourceHealth, ...]:
        """How each source stands, by id."""
        now = time.monotonic()
        return tuple(standing.health(now) for standing in self._standings.values())

    def settle(self, seconds: float) -> None:
        """Ask now what would be asked again later, and wait for it, at most so long.

        For a program that closes soon, since `close` asks nothing more. Raises RuntimeError after
        that.
        """
        try:
            self._loop.run(self._settle(seconds), seconds + _GRACE_SECONDS)
        except TimeoutError:
            logger.exception("the event loop of the sources is stuck")

    def close(self) -> None:
        """End what is under way, and all connections; what waits to be asked again is not."""
        self._loop.close()

    async def _search(self, asked: Asked, chosen: Sequence[int]) -> dict[int, Found | Silence]:
        found = {s: Silence(s, "is not registered, or has retired") for s in chosen}
        standings = [self._standings[s] for s in chosen if s in self._standings]
        invited, left_out = invite([each.source for each in standings], self._terms.per_owner)
        found |= {each.source: each for each in left_out}
        asking = [each for each in standings if each.source.id in invited]
        hosts = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(self._terms.per_host))
        begun: set[int] = set()

        async def ask(standing: Standing) -> Found | Silence:
            host = host_of(standing.source.urls[0])
            on_its_host = nullcontext() if is_inside(host) else hosts[host]
            async with on_its_host, self._turns:
                begun.add(standing.source.id)
                return await self._ask(standing, asked)

        # In an order of chance, as the first ones hold the turns: no id is always the last.
        under_way = {
            each.source.id: asyncio.create_task(ask(each))
            for each in self._chance.sample(asking, len(asking))
        }
        if under_way:
            await asyncio.wait(under_way.values(), timeout=self._terms.total_seconds)
        results: dict[int, Found | Silence] = dict(found)
        for source, task in under_way.items():
            if task.done():
                results[source] = task.result()
            else:
                task.cancel()
                failed = "did not answer" if source in begun else "had no turn"
                late = f"{failed} in {self._terms.total_seconds:g} s"
                results[source] = Silence(source, late)
        return results

    async def _ask(self, standing: Standing, asked: Asked) -> Found | Silence:
        found = await self._asking.ask(standing, asked)
        if isinstance(found, Silence):
            return found
        if self._chance.random() < self._terms.again_share:
            self._start(self._ask_again(standing, asked, found), self._repeats)
        return found if found.passages else Silence(standing.source.id, "found nothing")

    async def _ask_again(self, standing: Standing, asked: Asked, first: Found) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.uniform(0.0, self._terms.again_within)):
                await self._hurry.wait()
        async with self._background_turns:
            await self._asking.ask_again(standing, asked, first)

    async def _settle(self, seconds: float) -> None:
        self._hurry.set()
        if self._repeats:
            await asyncio.wait(self._repeats, timeout=seconds)
        self._hurry.clear()

    async def _ask_price(self, standing: Standing) -> None:
        async with self._background_turns:
            seconds = self._terms.source_seconds
            await look_up_price(standing, self._domain, self._asking.kept, seconds)

    def _look_up_prices(self) -> None:
        for standing in self._standings.values():
            if self._lacks_price(standing) and self._start(
                self._ask_price(standing), self._price_questions
            ):
                standing.priced_at = time.monotonic()

    def _lacks_price(self, standing: Standing) -> bool:
        at = standing.priced_at
        return at is None or time.monotonic() - at > self._terms.price_seconds

    def _standing(self, source: RemoteSource) -> Standing:
        known = self._standings.get(source.id)
        if known is not None and known.source == source:
            return known
        return Standing(source, self._terms.breaker, self._terms.hedged_share, self._chance)

    def _start(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> bool:
        """Do it beside the searches; what is too much is left, since none of it is urgent.

        Returns whether it is done.
        """
        if len(self._repeats) + len(self._price_questions) >= MAX_IN_BACKGROUND:
            work.close()
            return False
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        return True

    async def _end(self) -> None:
        await self._asking.kept.close()
        await self._asking.fresh.close()
