"""Running something in a program of its own that is killed at a durable step or a request."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from chainrep.chain.failover import FailoverProvider

NEVER = 1 << 30


class Fate:
    """Counts what the program does, and ends it as SIGKILL does, before or after one of them."""

    def __init__(self, at: int, after: bool) -> None:
        self.left = at
        self.after = after

    def passes(self, run: Callable[[], Any]) -> Any:
        """Do one thing, or die."""
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = run()
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def run_mortal(work: Callable[[], object], at: int, after: bool = False) -> tuple[bool, int]:
    """Do ``work`` in a forked program; return whether it was killed, and how many things it did.

    What counts are SQLite statements on connections that it opens, and JSON-RPC requests over HTTP.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            fate = Fate(at, after)
            sqlite3.connect = partial(sqlite3.connect, factory=_mortal(fate))  # type: ignore[assignment]
            ask = FailoverProvider.make_request
            FailoverProvider.make_request = lambda *a: fate.passes(partial(ask, *a))  # type: ignore[method-assign]
            work()
            os.write(writing, str(at - fate.left).encode())
        finally:
            os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    told = os.read(reading, 100)
    os.close(reading)
    return os.WIFSIGNALED(status), int(told or 0)


def _mortal(fate: Fate) -> type[sqlite3.Connection]:
    class Mortal(sqlite3.Connection):
        def execute(self, *given: Any) -> Any:
            return fate.passes(partial(super().execute, *given))

        def executemany(self, *given: Any) -> Any:
            return fate.passes(partial(super().executemany, *given))

    return Mortal
