"""A network that reaches public addresses alone, since a stranger names where to connect to.

A source's URL comes from the chain. Whoever wrote it could name a service inside our own network,
or a host name that means a public address when it is checked and a private one when it is used. So
the addresses are checked here, for each connection, and the very one that was checked is connected.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from rag.source.host_names import HostNames, is_address

MAX_ADDRESSES = 4
"""So many addresses of one host are tried."""
CONNECT_SECONDS = 1.0
"""For one address, so that the next one has its chance."""

MAX_READ_BYTES = 4_096
"""At a time, so that what takes long to parse leaves others their turn in between."""
MAX_INTERIM = 16
"""Answers like "100 Continue" to one request."""

_FAULTS = {
    10: "its certificate has expired",
    18: "its certificate is signed by itself alone",
    19: "nobody whom this machine trusts stands behind its certificate",
    20: "nobody whom this machine trusts stands behind its certificate",
    21: "nobody whom this machine trusts stands behind its certificate",
    62: "its certificate is of another name",
    64: "its certificate is of another address",
}
"""By OpenSSL's number (X509_V_ERR_…)."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
_SPECIAL = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.88.99.0/24",  # relays of 6to4
        "192.0.0.0/24",  # protocols
        "168.63.129.16/32",  # a cloud's own service, for the machines in it
        "2001::/23",  # protocols, Teredo among them, which may mean another address
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, to all with ``allow_private``, on asyncio's event loop.

    How long an exchange takes is bounded by whoever waits for it, who may cancel it at any moment.

    Raises httpcore.ConnectError, with a reason to be shown.
    """

    def __init__(self, names: HostNames, *, allow_private: bool = False) -> None:
        self._names = names
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        found = await self._names.addresses(host)
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
        elif ip not in _UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in each for each in _SPECIAL)


def is_inside(host: str) -> bool:
    """Whether a URL's host says by itself that it is this machine, or in one's own network."""
    return host == "localhost" or (is_address(host) and not is_public(host))


class _Stream(httpcore.AsyncNetworkStream):
    """asyncio's streams as httpcore asks for them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._interim = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        await asyncio.sleep(0)  # data that has come already would be read without a pause
        try:
            content = await self._reader.read(min(max_bytes, MAX_READ_BYTES))
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ReadError(str(error)) from error
        self._interim += content.count(b"\nHTTP/1.")  # JSON writes a line's end as two characters
        if self._interim > MAX_INTERIM:
            raise httpcore.RemoteProtocolError("it sends interim answers without end")
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._interim = 0
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
            raise httpcore.ConnectError(_fault(error)) from error
        except BaseException:
            await self.aclose()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # httpcore's question whether an idle connection has ended
            return self._reader.at_eof() or self._writer.transport.is_closing()
        return self._writer.get_extra_info({"server_addr": "peername"}.get(info, info))


def _fault(error: OSError) -> str:
    """Why no encrypted connection came about, in words of ours: those of OpenSSL vary."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FAULTS.get(error.verify_code, "its certificate is not valid")
    return "it does not speak TLS, or broke off"
