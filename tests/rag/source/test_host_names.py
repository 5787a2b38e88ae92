"""Host names that strangers chose: one that hangs holds up nobody."""

import asyncio
import socket
import threading
import time

import httpcore
import pytest

from rag.source import host_names
from rag.source.host_names import HostNames


@pytest.fixture
def resolver(monkeypatch):
    """A name server that hangs for ``evil`` hosts, until the test is over."""

    class Resolver:
        def __init__(self):
            self.looked_up, self.over, self.address = [], threading.Event(), "8.8.8.8"

        def getaddrinfo(self, host, _, **__):
            self.looked_up.append(host)
            if host.startswith("none"):
                raise socket.gaierror
            if "evil" in host:
                self.over.wait(20)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, 0))]

    running = Resolver()
    monkeypatch.setattr(host_names.socket, "getaddrinfo", running.getaddrinfo)
    yield running
    running.over.set()


def test_an_address_is_told_without_a_look_up(resolver):
    assert asyncio.run(HostNames().addresses("::1")) == ["::1"]
    assert resolver.looked_up == []


def test_a_hundred_names_that_hang_do_not_hold_up_another(resolver):
    async def look_up():
        names = HostNames()
        hang = [asyncio.create_task(names.addresses(f"h{i}.evil.example")) for i in range(100)]
        await asyncio.sleep(0)
        async with asyncio.timeout(15):
            found = await names.addresses("good.example")
        waiting = [t for t in threading.enumerate() if t.name == "source-name"]
        for task in hang:
            task.cancel()
        return found, waiting

    began = time.monotonic()
    found, waiting = asyncio.run(look_up())
    assert time.monotonic() - began < 15
    assert found == ["8.8.8.8"]
    assert len(waiting) >= 100
    assert all(thread.daemon for thread in waiting)  # so that no program waits for them at its end


def test_a_host_name_is_looked_up_once_by_all_who_wait_for_it(resolver):
    async def look_up():
        names = HostNames()
        waits = [names.addresses("none.example") for _ in range(20)]
        return await asyncio.gather(*waits, return_exceptions=True)

    failures = asyncio.run(look_up())
    assert [str(failure) for failure in failures] == ["its host name is not found"] * 20
    assert resolver.looked_up == ["none.example"]


def test_addresses_are_kept_a_minute_and_used_longer_while_a_look_up_hangs(resolver):
    resolver.over.set()
    now = [0.0]

    async def look_up():
        names = HostNames(clock=lambda: now[0])
        first = await names.addresses("evil.example")
        now[0] = 59.0
        assert await names.addresses("evil.example") == first
        assert len(resolver.looked_up) == 1
        resolver.over.clear()
        resolver.address = "9.9.9.9"
        now[0] = 61.0
        for _ in range(3):
            assert await names.addresses("evil.example") == first
        resolver.over.set()
        while await names.addresses("evil.example") == first:
            await asyncio.sleep(0.005)
        assert await names.addresses("evil.example") == ["9.9.9.9"]
        assert len(resolver.looked_up) == 2

    async def in_time():
        async with asyncio.timeout(10):
            await look_up()

    asyncio.run(in_time())


def test_look_ups_that_hang_are_no_more_than_so_many(resolver, monkeypatch):
    monkeypatch.setattr(host_names, "MAX_UNDER_WAY", 2)

    async def look_up():
        names = HostNames()
        hang = [asyncio.create_task(names.addresses(f"h{i}.evil.example")) for i in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(httpcore.ConnectError, match="too many host names"):
            await names.addresses("good.example")
        for task in hang:
            task.cancel()

    asyncio.run(look_up())
