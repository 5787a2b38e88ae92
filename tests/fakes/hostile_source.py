"""A real HTTP server of sources that misbehave, each in the way that its URL names."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from rag.source.receipts import SourceDomain, query_digest, sign_receipt
from rag.source.wire import Metadata, Query, dump_answer, dump_metadata, load_query
from rag.types import Passage

CORPUS = b"\x0c" * 32


@dataclass(frozen=True, slots=True)
class Signer:
    """A source as it signs: its id, its owner's key, what it finds for whatever is asked."""

    source: int
    key: bytes
    domain: SourceDomain
    passages: Sequence[Passage] = (Passage("Paris is the capital of France.", "France"),)

    def answer(
        self,
        query: Query,
        passages: Sequence[Passage] | None = None,
        shown: Sequence[Passage] | None = None,
        time_shift: int = 0,
        corpus: bytes = CORPUS,
    ) -> bytes:
        """A signed answer; ``shown`` are the passages that are sent, where those are others."""
        found = self.passages[: query.k] if passages is None else passages
        digest = query_digest(query.salt, query.k, query.question)
        now = int(time.time()) + time_shift
        receipt = sign_receipt(self.source, digest, corpus, found, now, self.domain, self.key)
        return dump_answer(found if shown is None else shown, receipt)

    def metadata(self, price: int) -> bytes:
        """What it says of itself."""
        domain = self.domain
        said = Metadata(
            self.source, "s", 1, CORPUS, price, domain.chain_id, domain.registry, 50
        )  # fmt: skip
        return dump_metadata(said)


class Visit:
    """One request, and how to answer it: as HTTP, or as bytes of one's own."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes, closing: Event) -> None:
        self._handler = handler
        self.body = body
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.closing = closing

    @property
    def query(self) -> Query:
        return load_query(self.body)

    def send(self, content: bytes, status: int = 200, **headers: str) -> None:
        self._handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def write(self, content: bytes) -> None:
        """Bytes straight onto the connection."""
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.close_connection = True
        self._handler.connection.close()

    def end(self) -> None:
        """End the connection as usual."""
        self._handler.close_connection = True

    def wait(self, seconds: float) -> None:
        """Do nothing for a while, or until the server closes."""
        self.closing.wait(seconds)


Behaviour = Callable[[Visit], None]


@dataclass
class HostileServer:
    """Serves ``/NAME/search`` as the behaviour of that name does; use it as a context."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    visits: list[str] = field(default_factory=list)

    def __enter__(self) -> HostileServer:
        self._closing, self._lock = Event(), Lock()
        self.connections = 0
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more. Again, it does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def count(self, name: str) -> int:
        """How many requests came in for this behaviour."""
        with self._lock:
            return self.visits.count(name)

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.split("/")[1]
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            self.visits.append(name)
        try:
            self.behaviours[name](Visit(handler, body, self._closing))
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True  # the asker has had enough, as it should


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reset connection is no news."""


def _handler_of(server: HostileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with server._lock:
                server.connections += 1

        def do_POST(self) -> None:
            server.receive(self)

        def do_GET(self) -> None:
            server.receive(self)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def honest(signer: Signer, price: int = 5) -> Behaviour:
    """Answers as it should."""

    def answer(visit: Visit) -> None:
        if visit.path.endswith("/metadata"):
            visit.send(signer.metadata(price))
        else:
            visit.send(signer.answer(visit.query))

    return answer


def hangs(visit: Visit) -> None:
    visit.wait(30)


def drips_headers(visit: Visit) -> None:
    visit.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not visit.closing.is_set():
        visit.write(b"x")
        visit.wait(0.02)


def drips_body(visit: Visit) -> None:
    visit.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not visit.closing.is_set():
        visit.write(b" ")
        visit.wait(0.02)


def sends_ten_megabytes(visit: Visit) -> None:
    visit.send(b" " * 10_000_000)


def never_ends(visit: Visit) -> None:
    visit.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not visit.closing.is_set():
        visit.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def endless_headers(visit: Visit) -> None:
    visit.write(b"HTTP/1.1 200 OK\r\n")
    while not visit.closing.is_set():
        visit.write(b"X-More: " + b"y" * 8_000 + b"\r\n")


def sends_invalid_utf8(visit: Visit) -> None:
    visit.send(b'{"passages": [{"title": "", "text": "\xff\xfe"}]}')


def sends_wrong_schema(visit: Visit) -> None:
    visit.send(json.dumps({"passages": "Paris", "receipt": 7}).encode())


def sends_deep_json(visit: Visit) -> None:
    visit.send(b"[" * 500_000)


def redirects(visit: Visit) -> None:
    visit.send(b"", 307, Location=visit.path.replace("/redirects/", "/elsewhere/"))


def fails(visit: Visit) -> None:
    visit.send(b'{"refused": "The index is gone."}', 500)


def dies_in_its_answer(visit: Visit) -> None:
    visit.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"passages": [')
    visit.reset()


def ends_too_early(visit: Visit) -> None:
    visit.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{"pass')
    visit.end()


def speaks_no_http(visit: Visit) -> None:
    visit.write(b"220 mail.example.org ESMTP\r\n")
    visit.end()
