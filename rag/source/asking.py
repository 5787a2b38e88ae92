"""Asking one remote source: in time, again if it is late, and believed only if it signed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from rag.source.answer_check import AnswerCheck, Asked
from rag.source.asking_terms import AskingTerms
from rag.source.conflicts import AccusationBook
from rag.source.credentials import Credentials
from rag.source.exchange import Exchange, Unanswered
from rag.source.standing import Standing
from rag.source.wire import MAX_ANSWER_BYTES
from rag.types import Found, Silence

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """``kept`` reuses connections, ``fresh`` never does; ``clock`` tells Unix seconds."""

    terms: AskingTerms
    check: AnswerCheck
    book: AccusationBook
    credentials: Credentials
    kept: Exchange
    fresh: Exchange
    clock: Callable[[], float]

    async def ask(self, standing: Standing, asked: Asked) -> Found | Silence:
        """What it found, or why it is silent; raises nothing that a source can bring about."""
        began, source = time.monotonic(), standing.source
        if source.owner in self.book.accused:
            return Silence(source.id, "is blocked: its key signed two answers to one query")
        if not standing.breaker.admit(began):
            rests = standing.breaker.rests_for(began)
            return Silence(source.id, f"rests for {rests:.0f} s: it {standing.last_failure}")
        why: Unanswered | None = Unanswered("was not waited for")
        try:
            async with asyncio.timeout(self.terms.source_seconds):
                found = await self._race(standing, asked)
            why = None
        except TimeoutError:
            why = Unanswered(f"did not answer in {self.terms.source_seconds:g} s")
        except Unanswered as error:
            why = error
        except Exception as error:
            logger.exception("asking source %d failed", source.id)
            why = Unanswered(f"could not be asked: {type(error).__name__}")
        finally:  # also where nobody waits any longer and this is cancelled
            standing.ended(why, began, time.monotonic())
        return Silence(source.id, why.reason) if why else found

    async def ask_again(self, standing: Standing, asked: Asked, first: Found) -> None:
        """Ask the same once more, through another connection, and accuse who contradicts itself.

        Without an answer of use nothing is said against the source.
        """
        source = standing.source
        try:
            async with asyncio.timeout(self.terms.source_seconds):
                second = await self._once(standing, asked, source.urls[-1], self.fresh)
        except (Unanswered, TimeoutError) as error:
            logger.info("source %d, asked for the same again: %s", source.id, error)
            return
        if first.receipt and second.receipt:
            self.book.compare(first.receipt, second.receipt, source.owner)

    async def _race(self, standing: Standing, asked: Asked) -> Found:
        """The first good answer: of one request, or of a second when the first is late or broke."""
        urls, patience = standing.source.urls, standing.latencies.late()
        standing.hedges.earn()
        running = {self._start(standing, asked, urls[0])}
        failure: Unanswered | None = None
        may_repeat = True
        try:
            while running:
                done, running = await asyncio.wait(
                    running,
                    timeout=patience if may_repeat else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    error = task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, Unanswered):
                        raise error
                    failure = error if failure is None or error.fault else failure
                if may_repeat and (failure is None or failure.broken):
                    may_repeat = False
                    if standing.hedges.spend():
                        running.add(self._start(standing, asked, urls[-1]))
        finally:
            for task in running:
                task.cancel()
        raise failure or Unanswered("was not asked")

    def _start(self, standing: Standing, asked: Asked, url: str) -> asyncio.Task[Found]:
        task = asyncio.create_task(self._once(standing, asked, url, self.kept))
        task.add_done_callback(_hear)
        return task

    async def _once(self, standing: Standing, asked: Asked, url: str, by: Exchange) -> Found:
        began = time.monotonic()
        try:
            header = self.credentials(standing.source, url, asked.body)
            headers = {"Authorization": header} if header else {}
            content = await by.post(f"{url}/search", asked.body, headers, MAX_ANSWER_BYTES)
            seconds = time.monotonic() - began
            found = self.check.read(content, asked, standing.source, self.clock(), seconds)
        except Unanswered as error:
            standing.faults += error.fault
            raise
        standing.latencies.answered(seconds)
        return found


def _hear(task: asyncio.Task[Found]) -> None:
    """Take note of how a request ended that nobody waits for, or asyncio would complain."""
    if not task.cancelled():
        task.exception()
