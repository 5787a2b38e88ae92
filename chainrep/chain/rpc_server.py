"""The embedded chain served as JSON-RPC on loopback, for machines without anvil.

Meant for demos and tests: log queries slow down as the chain grows.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from web3.types import RPCEndpoint

from chainrep.chain.bounded_json import parse_json
from chainrep.chain.embedded import EmbeddedProvider

MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_CALLS = 1_000
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600


class RpcServer(ThreadingHTTPServer):
    """JSON-RPC over HTTP POST in front of one embedded chain; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, provider: EmbeddedProvider, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Exchange)
        self._provider = provider

    @property
    def url(self) -> str:
        """Where the chain answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, call: object) -> dict[str, Any]:
        """The response to one decoded JSON-RPC call."""
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _refusal(_INVALID_REQUEST, "This is no JSON-RPC call.")
        params = call.get("params", [])
        if not isinstance(params, list):
            return _refusal(_INVALID_REQUEST, "Parameters must be given as an array.")
        response = self._provider.make_request(RPCEndpoint(call["method"]), params)
        return cast(dict[str, Any], response) | {"id": call.get("id")}


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer's body waits 40 ms for its headers' receipt
    timeout = 60

    def do_POST(self) -> None:
        """Answer one call, or an array of them."""
        server = cast(RpcServer, self.server)
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            self.close_connection = True
            return self._reply(413, _refusal(_INVALID_REQUEST, "The request is too large."))
        try:
            body = self.rfile.read(int(length))
            request = parse_json(body)
        except ValueError:
            return self._reply(400, _refusal(_PARSE_ERROR, "The request is not JSON."))
        if not isinstance(request, list):
            return self._reply(200, server.answer(request))
        if not 0 < len(request) <= MAX_CALLS:
            return self._reply(400, _refusal(_INVALID_REQUEST, f"Send 1 to {MAX_CALLS} calls."))
        return self._reply(200, [server.answer(call) for call in request])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the base)
        """Say nothing: the terminal belongs to the person who started the chain."""

    def _reply(self, status: int, body: object) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)


def _refusal(code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
