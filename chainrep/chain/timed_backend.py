"""A network for httpcore that ends an exchange as a whole in time, not each wait of it alone."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

import httpcore

_WRITE_BYTES = 4_096

Clock = Callable[[], float]


class TimedBackend(httpcore.NetworkBackend):
    """Reads every "timeout" of a request as a moment on ``clock``.

    As a length of time it would bound each wait alone, and a server that sends one byte before
    each ends, of its headers say, could hold us for hours.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect before the moment ``timeout``."""
        left = _left(self._clock, timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _TimedStream(stream, self._clock)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._clock, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            left = _left(self._clock, timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _WRITE_BYTES], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._clock, timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(clock: Clock, moment: float | None, late: type[Exception]) -> float | None:
    if moment is None:
        return None
    left = moment - clock()
    if left <= 0:
        raise late("the deadline is over")
    return left
