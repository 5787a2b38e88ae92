"""The HTTP server against clients that are large, slow, many or late; all of it over sockets."""

import asyncio
import socket
import time
from dataclasses import replace
from threading import Event, Thread

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from chainrep.errors import ConfigError
from chainrep.service.server import HttpServer, ServerLimits

HASTY = ServerLimits(body_bytes=1_000, header_seconds=0.3, exchange_seconds=0.3)
PATIENT = ServerLimits(
    body_bytes=1_000, header_seconds=300, exchange_seconds=300, connections=4, stop_seconds=60
)
PATIENCE = 60
"""Seconds after which what these tests wait for has not happened, however busy the machine."""
asked = Event()


async def length(request):
    return PlainTextResponse(str(len(await request.body())))


async def slow(request):
    asked.set()
    await asyncio.sleep(0.5)
    return PlainTextResponse("done")


async def endless(request):
    async def pieces():
        while True:
            yield bytes(65_536)
            await asyncio.sleep(0)  # as reading a file would let others go on

    return StreamingResponse(pieces())


async def broken(request):
    raise RuntimeError("secret")


APP = Starlette(
    routes=[
        Route("/length", length, methods=["POST"]),
        Route("/slow", slow),
        Route("/endless", endless),
        Route("/broken", broken),
    ]
)


@pytest.fixture
def server():
    with HttpServer(APP, limits=PATIENT) as running:
        yield running


@pytest.fixture
def hasty():
    with HttpServer(APP, limits=HASTY) as running:
        yield running


def post(server, content):
    return httpx.post(f"{server.url}/length", content=content, trust_env=False)


def raw(server, sent):
    """A connection that has sent these bytes and reads nothing yet."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(sent)
    return connection


def until_closed(connection):
    """The first of what came back until the server ended the connection, which it must."""
    until, came = time.monotonic() + PATIENCE, b""
    try:
        while piece := connection.recv(65_536):
            assert time.monotonic() < until
            came = came or piece
    except ConnectionResetError:
        pass
    connection.close()
    return came


def test_a_body_up_to_the_limit_is_read_and_a_larger_one_is_not(server):
    assert post(server, bytes(1_000)).text == "1000"
    refused = post(server, bytes(1_001))
    assert refused.status_code == 413
    assert refused.text == "A request may have 1000 bytes."


def test_a_body_that_does_not_say_its_length_is_cut_at_the_limit(server):
    assert post(server, (b"x" * 10 for _ in range(100))).text == "1000"
    assert post(server, (b"x" * 10 for _ in range(101))).status_code == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /length HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_a_client_that_does_not_finish_its_request_is_cut_off(hasty, sent):
    assert until_closed(raw(hasty, sent)) == b""


def test_a_client_that_goes_on_after_an_answer_without_a_request_is_cut_off(hasty):
    request = b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    assert until_closed(raw(hasty, request + b"POST /len")).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_its_answer_is_cut_off(hasty):
    connection = raw(hasty, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(1.2)
    assert until_closed(connection)  # what had been sent ends; it would go on for ever


def test_connections_above_the_limit_are_told_so_and_leave_no_harm(server):
    idle = [raw(server, b"GET") for _ in range(PATIENT.connections)]
    assert post(server, b"").status_code == 503
    for connection in idle:
        connection.close()
    until = time.monotonic() + PATIENCE
    while post(server, b"").status_code != 200:  # it takes a moment to see that they are gone
        assert time.monotonic() < until


def test_far_too_many_connections_are_cut_off_at_once():
    with HttpServer(APP, limits=replace(PATIENT, connections=2, stop_seconds=1)) as server:
        many = [raw(server, b"") for _ in range(6)]
        for connection in many[4:]:
            assert until_closed(connection) == b""
        for connection in many:
            connection.close()


def test_an_application_that_breaks_does_not_tell_why(server):
    answer = httpx.get(f"{server.url}/broken", trust_env=False)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert post(server, b"").status_code == 200


def test_stopping_finishes_requests_under_way():
    asked.clear()
    server = HttpServer(APP, limits=PATIENT)
    server.start()
    answers = []
    asking = Thread(
        target=lambda: answers.append(httpx.get(f"{server.url}/slow", trust_env=False).text)
    )
    asking.start()
    assert asked.wait(PATIENCE)
    server.stop()
    asking.join(PATIENCE)
    assert answers == ["done"]
    assert not server.alive
    with pytest.raises(httpx.ConnectError):
        post(server, b"")


def test_stopping_does_not_wait_for_ever():
    server = HttpServer(APP, limits=ServerLimits(stop_seconds=1))
    server.start()
    connection = raw(server, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.recv(1)
    stopping = Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    connection.close()


def test_a_port_that_is_taken_is_a_sentence(server):
    with pytest.raises(ConfigError, match=f"port {server.port}"):
        HttpServer(APP, server.port)
    with pytest.raises(ConfigError, match="port 70000"):
        HttpServer(APP, 70_000)


def test_a_server_that_was_never_started_can_be_stopped():
    server = HttpServer(APP)
    assert not server.alive
    server.stop()
    again = HttpServer(APP, server.port)
    assert again.port == server.port
    again.stop()
