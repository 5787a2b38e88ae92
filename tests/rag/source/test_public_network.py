"""Which addresses a stranger's URL may lead to."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import httpcore
import pytest

from rag.source import public_network
from rag.source.public_network import PublicNetwork, is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_reached(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.1.2.3", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "2002:7f00:1::", "2001:0:0:1::", "no address",
    ],
)  # fmt: skip
def test_addresses_inside_or_of_no_single_machine_are_not(address):
    assert not is_public(address)


def test_the_address_that_was_checked_is_the_one_that_is_connected(monkeypatch):
    """DNS rebinding: a name that changes its meaning between two look-ups finds only one."""
    looked_up, connected = [], []

    def getaddrinfo(host, port, **_):
        looked_up.append(host)
        address = "8.8.8.8" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def open_connection(address, port):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(public_network.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(public_network.asyncio, "open_connection", open_connection)

    async def connect_twice():
        with ThreadPoolExecutor(1) as resolvers:
            network = PublicNetwork(resolvers)
            for reason in ("nothing answers", "not a public one"):
                with pytest.raises(httpcore.ConnectError, match=reason):
                    await network.connect_tcp("rebinding.example", 80)

    asyncio.run(connect_twice())
    assert looked_up == ["rebinding.example"] * 2
    assert connected == ["8.8.8.8"]


def test_of_many_addresses_only_public_ones_are_tried_and_not_without_end(monkeypatch):
    listed = ["10.0.0.1", *[f"8.8.8.{i}" for i in range(1, 20)], "127.0.0.1"]
    connected = []

    def getaddrinfo(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in listed]

    async def open_connection(address, port):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(public_network.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(public_network.asyncio, "open_connection", open_connection)

    async def connect():
        with ThreadPoolExecutor(1) as resolvers, pytest.raises(httpcore.ConnectError):
            await PublicNetwork(resolvers).connect_tcp("many.example", 80)

    asyncio.run(connect())
    assert connected == ["8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4"]


def test_a_host_name_is_looked_up_once_by_all_who_wait_for_it(monkeypatch):
    looked_up = []

    def getaddrinfo(host, port, **_):
        looked_up.append(host)
        raise socket.gaierror

    monkeypatch.setattr(public_network.socket, "getaddrinfo", getaddrinfo)

    async def connect():
        with ThreadPoolExecutor(4) as resolvers:
            network = PublicNetwork(resolvers)
            waits = [network.connect_tcp("slow.example", 80) for _ in range(20)]
            return await asyncio.gather(*waits, return_exceptions=True)

    failures = asyncio.run(connect())
    assert [str(failure) for failure in failures] == ["its host name is not found"] * 20
    assert len(looked_up) < 20
