"""Which addresses a stranger's URL may lead to."""

import asyncio
import socket

import httpcore
import pytest

from rag.source import host_names, public_network
from rag.source.host_names import HostNames
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
        "2002:7f00:1::", "2001:0:0:1::", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808",
        "::ffff:0:7f00:1", "::ffff:0:808:808", "::7f00:1", "::808:808", "192.88.99.1",
        "192.0.0.8", "5f00::1", "3fff::1", "2001:db8::1", "2001:20::1", "168.63.129.16",
        "no address",
    ],
)  # fmt: skip
def test_addresses_inside_or_of_no_single_machine_are_not(address):
    assert not is_public(address)


def test_the_address_that_was_checked_is_the_one_that_is_connected(monkeypatch):
    """DNS rebinding: a name that changes its meaning between two look-ups finds only one."""
    looked_up, connected, now = [], [], [0.0]

    def getaddrinfo(host, _, **__):
        looked_up.append(host)
        address = "8.8.8.8" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    async def open_connection(address, port):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(host_names.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(public_network.asyncio, "open_connection", open_connection)

    async def connect_twice():
        network = PublicNetwork(HostNames(clock=lambda: now[0]))
        for reason in ("nothing answers", "not a public one"):
            with pytest.raises(httpcore.ConnectError, match=reason):
                await network.connect_tcp("rebinding.example", 80)
            now[0] += 1_000

    asyncio.run(connect_twice())
    assert looked_up == ["rebinding.example"] * 2
    assert connected == ["8.8.8.8"]


def test_of_many_addresses_only_public_ones_are_tried_and_not_without_end(monkeypatch):
    listed = ["10.0.0.1", *[f"8.8.8.{i}" for i in range(1, 20)], "127.0.0.1"]
    connected = []

    def getaddrinfo(host, _, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in listed]

    async def open_connection(address, port):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(host_names.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(public_network.asyncio, "open_connection", open_connection)

    async def connect():
        with pytest.raises(httpcore.ConnectError):
            await PublicNetwork(HostNames()).connect_tcp("many.example", 80)

    asyncio.run(connect())
    assert connected == ["8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4"]


def test_a_stream_gives_others_their_turn_and_a_little_at_a_time():
    async def read_what_is_there():
        async def send(_, writer):
            writer.write(bytes(40_000))
            writer.close()

        async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stream = await PublicNetwork(HostNames(), allow_private=True).connect_tcp(
                "127.0.0.1", port
            )
            await asyncio.sleep(0.05)  # all of it has come
            turns = []

            async def take_turns():
                while True:
                    turns.append(1)
                    await asyncio.sleep(0)

            other = asyncio.create_task(take_turns())
            sizes = [len(await stream.read(65_536)) for _ in range(9)]
            other.cancel()
            await stream.aclose()
            return sizes, len(turns)

    sizes, turns = asyncio.run(read_what_is_there())
    assert max(sizes) <= 4_096
    assert turns >= 9
