"""Fetching evidence from servers that are honest, slow, large, or point elsewhere."""

import asyncio
import gzip

import pytest
from starlette.applications import Starlette
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from chainrep.chain.address_book import MAX_FILE_BYTES as MAX_BOOK_BYTES
from chainrep.errors import EvidenceUnavailable, InputError
from chainrep.node import remote_evidence
from chainrep.node.remote_evidence import RemoteEvidence
from chainrep.service.server import HttpServer
from tests.tools import free_port

ROOT = bytes(range(32))
asked = []


async def endless(request):
    async def pieces():
        while True:
            yield bytes(1 << 16)
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


async def trickle(request):
    async def pieces():
        for _ in range(50):
            yield b"x"
            await asyncio.sleep(0.05)

    return StreamingResponse(pieces())


async def silent(request):
    await asyncio.sleep(1)
    return PlainTextResponse("late")


def elsewhere(request):
    asked.append("redirect")
    return RedirectResponse("/inside")


def inside(request):
    asked.append("inside")
    return PlainTextResponse("secret")


def packed(request):
    return Response(gzip.compress(bytes(10_000)), headers={"Content-Encoding": "gzip"})


def echo(request):
    return PlainTextResponse(request.path_params["root"])


ROUTES = [
    Route("/good/evidence/{root}", echo),
    Route("/endless/evidence/{root}", endless),
    Route("/trickle/evidence/{root}", trickle),
    Route("/silent/evidence/{root}", silent),
    Route("/elsewhere/evidence/{root}", elsewhere),
    Route("/packed/evidence/{root}", packed),
    Route("/inside", inside),
    Route("/list/deployment", lambda request: JSONResponse([])),
    Route("/partial/deployment", lambda request: JSONResponse({"chain_id": 1})),
    Route("/deep/deployment", lambda request: PlainTextResponse("[" * (MAX_BOOK_BYTES - 1))),
    Route("/large/deployment", lambda request: PlainTextResponse(" " * (MAX_BOOK_BYTES + 1))),
]


@pytest.fixture(scope="module")
def url():
    with HttpServer(Starlette(routes=ROUTES)) as server:
        yield server.url


@pytest.fixture
def remote(url):
    opened = []

    def at(path, **options):
        opened.append(RemoteEvidence(url + path, **options))
        return opened[-1]

    yield at
    for one in opened:
        one.close()


def test_a_file_is_asked_for_by_its_root_and_a_missing_one_is_none(remote):
    assert remote("/good").read(ROOT) == f"0x{ROOT.hex()}".encode()
    assert remote("/good/").read(ROOT) == f"0x{ROOT.hex()}".encode()
    assert remote("/bad").read(ROOT) is None


def test_a_redirect_is_not_followed(remote):
    asked.clear()
    with pytest.raises(EvidenceUnavailable, match="307") as caught:
        remote("/elsewhere").read(ROOT)
    assert "Redirects are not followed" in caught.value.remedy
    assert asked == ["redirect"]


def test_an_answer_without_end_is_cut_at_the_size_of_a_file(remote, monkeypatch):
    monkeypatch.setattr(remote_evidence, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(EvidenceUnavailable, match="1,048,576 bytes"):
        remote("/endless").read(ROOT)


def test_an_answer_that_comes_drop_by_drop_or_not_at_all_is_given_up(remote):
    with pytest.raises(EvidenceUnavailable, match=r"0\.3 s"):
        remote("/trickle", download_seconds=0.3).read(ROOT)
    with pytest.raises(EvidenceUnavailable, match="ReadTimeout"):
        remote("/silent", wait_seconds=0.2).read(ROOT)


def test_a_packed_answer_is_not_unpacked(remote):
    assert len(remote("/packed").read(ROOT)) < 100


def test_a_server_that_is_not_there_is_a_sentence(remote):
    nobody = RemoteEvidence(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(EvidenceUnavailable, match="ConnectError") as caught:
        nobody.read(ROOT)
    assert "--evidence" in caught.value.remedy
    nobody.close()


@pytest.mark.parametrize("path", ["/list", "/partial", "/deep", "/large", "/bad"])
def test_a_deployment_that_is_none_is_refused(remote, path):
    with pytest.raises(EvidenceUnavailable):
        remote(path).deployment()


@pytest.mark.parametrize(
    "wrong", ["", "evidence", "file:///etc/passwd", "ftp://a.example", "http://", "http://[::1"]
)
def test_what_is_no_http_url_is_refused(wrong):
    with pytest.raises(InputError, match="--evidence"):
        RemoteEvidence(wrong)


def test_a_password_in_the_url_is_in_no_message():
    port = free_port()
    secret = RemoteEvidence(f"http://user:hunter2@127.0.0.1:{port}/key-4711")
    with pytest.raises(EvidenceUnavailable) as caught:
        secret.read(ROOT)
    assert "hunter2" not in str(caught.value)
    assert "4711" not in str(caught.value)
    secret.close()
