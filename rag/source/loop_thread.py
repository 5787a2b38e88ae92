"""An event loop in a thread of its own, for code that is not asynchronous itself."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for any number of threads until it is closed; ``ending`` is its last one."""

    def __init__(self, name: str, ending: Callable[[], Awaitable[None]]) -> None:
        self._ending = ending
        self._loop = asyncio.new_event_loop()
        # A daemon: a program that forgets to close it still ends.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return the result; raises what it raises, and TimeoutError if it is not done in time.

        Raises RuntimeError after `close`.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise

    def soon(self, act: Callable[[], object]) -> None:
        """Call it on the loop; nobody waits for it."""
        self._loop.call_soon_threadsafe(act)

    def close(self) -> None:
        """Cancel what runs, wait for its end and end the thread. Again, it does nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    async def _end(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._ending()
