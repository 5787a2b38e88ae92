"""A network that reaches public addresses alone, since a stranger names where to connect to.

A source's URL comes from the chain. Whoever wrote it could name a service inside our own network,
or a host name that means a public address when it is checked and a private one when it is used. So
the name is resolved here, once per connection, and the very address that was checked is connected.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

import httpcore

MAX_ADDRESSES = 4
"""So many addresses of one host are tried."""
CONNECT_SECONDS = 1.0
"""For one address, so that the next one has its chance."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, to all with ``allow_private``, on asyncio's event loop.

    How long an exchange takes is bounded by whoever waits for it, who may cancel it at any moment.

    Names are resolved on ``resolvers``, one look-up at a time for each host, so that a name server
    that hangs keeps nobody else waiting. Raises httpcore.ConnectError, with a reason to be shown.
    """

    def __init__(self, resolvers: Executor, *, allow_private: bool = False) -> None:
        self._resolvers = resolvers
        self._allow_private = allow_private
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        found = await self._resolve(host, port)
        allowed = [a for a in found if self._allow_private or is_public(a)][:MAX_ADDRESSES]
        if not allowed:
            raise httpcore.ConnectError("its address is not a public one")
        for address in allowed:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(address, port)
            except OSError:  # TimeoutError included
                continue
            return _Stream(reader, writer)
        raise httpcore.ConnectError("nothing answers at its address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        looked_up = self._under_way.get((host, port))
        if looked_up is None:
            loop = asyncio.get_running_loop()
            looked_up = loop.run_in_executor(self._resolvers, _addresses, host, port)
            self._under_way[host, port] = looked_up
            looked_up.add_done_callback(lambda done: self._looked_up(host, port, done))
        try:
            return await asyncio.shield(looked_up)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("its host name is not found") from error

    def _looked_up(self, host: str, port: int, done: asyncio.Future[list[str]]) -> None:
        del self._under_way[host, port]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone, and asyncio would complain


def is_public(address: str) -> bool:
    """Whether anybody on the Internet would reach the same machine under this address."""
    try:
        ip: _Address = ipaddress.ip_address(address)
    except ValueError:  # an IPv6 address with a zone, which is link-local
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip.sixtofour is not None or ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast


def _addresses(host: str, port: int) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Stream(httpcore.AsyncNetworkStream):
    """asyncio's streams as httpcore asks for them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        try:
            return await self._reader.read(max_bytes)
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.transport.abort()  # at once: a farewell in TLS may never be answered

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        try:
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except (OSError, ssl.SSLError) as error:
            await self.aclose()
            raise httpcore.ConnectError("it has no valid certificate for its name") from error
        except BaseException:
            await self.aclose()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # httpcore's question whether an idle connection has ended
            return self._reader.at_eof() or self._writer.transport.is_closing()
        return self._writer.get_extra_info({"server_addr": "peername"}.get(info, info))
