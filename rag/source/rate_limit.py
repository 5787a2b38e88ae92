"""How often each client may search: token buckets, for a bounded number of clients."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Sequence

from chainrep.errors import InputError

MAX_CLIENTS = 10_000
_BURST_SECONDS = 2.0


class RateLimit:
    """``rate`` searches per second and client, after a burst of what two seconds allow.

    The bucket of whoever has been silent longest is forgotten first, and starts full when its
    client returns: with more than ``clients`` of them at once the limit gets weaker, never
    stricter. Raises InputError for a rate that is not above 0. Not for several threads.
    """

    def __init__(self, rate: float, clock: Callable[[], float], clients: int = MAX_CLIENTS) -> None:
        if not 0 < rate < float("inf"):
            raise InputError("A rate is above 0 searches per second.", "Check --rate.")
        self._rate = rate
        self._burst = max(1.0, _BURST_SECONDS * rate)
        self._clock = clock
        self._clients = clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take one search from a client's bucket; return 0, or for how many seconds it is empty."""
        now = self._clock()
        left, since = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        granted = left >= 1.0
        self._buckets[client] = (left - 1.0 if granted else left, now)
        if len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1.0 - left) / self._rate


def client_at(host: str) -> str:
    """What counts as one client without a name: an IPv4 address, or a /64 of IPv6.

    Whoever has one IPv6 address usually has all 2^64 of its network.
    """
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address or "unknown")


def client_behind(proxy: str, peer: str, forwarded: Sequence[str]) -> str:
    """The client of a request that came from ``peer`` with these X-Forwarded-For headers.

    Only the last entry, and only of the ``proxy`` at that address, is believed: whatever stands
    before it the client may have written itself. An empty ``proxy`` is none.
    """
    address = _address(peer)
    if not forwarded or address is None or address != _address(proxy):
        return client_at(peer)
    return client_at(forwarded[-1].rpartition(",")[2].strip())


def read_proxy(text: str) -> str:
    """The address of a proxy, "" where none is given; raise InputError for what is no address."""
    address = _address(text)
    if text and address is None:
        raise InputError(f"{text[:60]!r} is no address.", "Check --trusted-proxy.")
    return str(address or "")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
