"""Looking up host names that strangers chose, so that a name server that hangs holds up nobody."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpcore

FRESH_SECONDS = 60.0
"""So long a host's addresses are used without another look-up."""
KEPT_SECONDS = 600.0
"""So long they are used while another look-up is under way, or where it failed."""
MAX_UNDER_WAY = 256
"""Look-ups at once, each in a thread of its own: the system's has no way to be ended early."""
MAX_HOSTS = 4_096


class HostNames:
    """The addresses of hosts; on one asyncio event loop.

    One look-up at a time is under way for a host, however many wait for it. Its thread is a daemon:
    a program ends without waiting for it. An address is told at once, with no thread, and so is a
    host that was looked up less than ten minutes ago. Others fail while 256 look-ups hang.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._under_way: dict[str, asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """All addresses, each once; raises httpcore.ConnectError, with a reason to be shown."""
        if is_address(host):
            return [str(ipaddress.ip_address(host))]
        at, known = self._known.get(host, (0.0, []))
        age = self._clock() - at
        if known and age < FRESH_SECONDS:
            return known
        looked_up = self._under_way.get(host) or self._look_up(host)
        if known and age < KEPT_SECONDS:
            return known
        if looked_up is None:
            raise httpcore.ConnectError("too many host names are being looked up")
        try:
            return await asyncio.shield(looked_up)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("its host name is not found") from error

    def _look_up(self, host: str) -> asyncio.Future[list[str]] | None:
        if len(self._under_way) >= MAX_UNDER_WAY:
            return None
        loop = asyncio.get_running_loop()
        looked_up: asyncio.Future[list[str]] = loop.create_future()
        self._under_way[host] = looked_up
        looked_up.add_done_callback(lambda done: self._looked_up(host, done))

        def look_up() -> None:
            try:
                found, failure = _addresses(host), None
            except (OSError, UnicodeError) as error:
                found, failure = [], error
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any longer
                loop.call_soon_threadsafe(_settle, looked_up, found, failure)

        threading.Thread(target=look_up, name="source-name", daemon=True).start()
        return looked_up

    def _looked_up(self, host: str, done: asyncio.Future[list[str]]) -> None:
        del self._under_way[host]
        if done.cancelled() or done.exception() is not None:
            return
        self._known.pop(host, None)
        self._known[host] = self._clock(), done.result()
        if len(self._known) > MAX_HOSTS:
            del self._known[next(iter(self._known))]  # the one looked up longest ago


def is_address(host: str) -> bool:
    """Whether it is an IP address itself, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _settle(
    waiting: asyncio.Future[list[str]], found: list[str], failure: Exception | None
) -> None:
    if waiting.cancelled():
        return
    if failure is not None:
        waiting.set_exception(failure)
    else:
        waiting.set_result(found)


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
