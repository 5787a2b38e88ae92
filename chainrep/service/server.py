"""An ASGI application served over HTTP on a thread, so that no client can wear it out.

Every bound is on what one client can take: bytes of a body, time from connecting to the end of
the answer, connections. uvicorn itself waits for ever for the end of a header or of a body.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from chainrep.errors import ConfigError

_KEEP_ALIVE_SECONDS = 5
_START_SECONDS = 10.0
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """``header_seconds`` runs from connecting, or the last answer, to the end of a header.

    ``exchange_seconds`` is what a request then has until its answer is read. ``stop_seconds`` is
    what requests under way are given when the server stops.
    """

    body_bytes: int = 64 * 1024
    header_seconds: float = 10.0
    exchange_seconds: float = 60.0
    connections: int = 64
    stop_seconds: int = 5


class HttpServer:
    """Serves an application from `start` to `stop`, or within a ``with`` block.

    The port is taken at once, so that its number is known; 0 takes a free one. Raises ConfigError
    when it cannot be had.
    """

    def __init__(
        self,
        app: ASGIApp,
        port: int = 0,
        host: str = "127.0.0.1",
        limits: ServerLimits | None = None,
    ) -> None:
        limits = limits or ServerLimits()
        self._socket = _listen(host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                BoundedBody(app, limits.body_bytes),
                http=_guarded(limits),
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=limits.connections + 1,  # uvicorn refuses at it, not above it
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=limits.stop_seconds,
            )
        )
        self._thread = Thread(target=self._run, name="http", daemon=True)
        self.host = host
        self.port = int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it is serving: false before `start`, after `stop`, and when it broke down."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Serve on a thread; return as soon as requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ConfigError(f"The server at {self.url} did not start.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Take no more requests, finish those under way, and return when the thread has ended."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> HttpServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # whoever has not read its answer by now
        await asyncio.sleep(0)


class BoundedBody:
    """Answers 413 to a body above ``limit`` bytes, without reading more of it than that.

    A body is counted as it arrives; the application has to be one that turns Starlette's
    HTTPException into an answer.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                raise HTTPException(413, f"A request may have {self.limit} bytes.")
            return message

        await self.app(scope, counted, send)


def _guarded(limits: ServerLimits) -> type[asyncio.Protocol]:
    class Guarded(H11Protocol):
        """Cuts a connection that has not got through its exchange in time."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._guard = self._expire_in(limits.header_seconds)
            self._asked: object = None
            if len(self.connections) > 2 * limits.connections:
                transport.abort()  # so many that even telling them so would cost too much

        def connection_lost(self, exc: Exception | None) -> None:
            self._guard.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._guard.cancel()
            self._guard = self._expire_in(limits.header_seconds)
            super().on_response_complete()

        def _expire_in(self, seconds: float) -> asyncio.TimerHandle:
            return self.loop.call_later(seconds, self._expire)

        def _expire(self) -> None:
            running = self.cycle is not None and not self.cycle.response_complete
            if running and self.cycle is not self._asked:
                self._asked = self.cycle
                self._guard = self._expire_in(limits.exchange_seconds)
            else:
                self.transport.abort()

    return Guarded


def _listen(host: str, port: int) -> socket.socket:
    family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: each answer would wait
    # 40 ms between head and body for its reader's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"Nothing can listen at {host}, port {port} ({error}).",
            "Choose another --port, or stop what uses it.",
        ) from error
    return listening
