"""A real HTTP server in front of a real chain that misbehaves exactly as a test tells it to."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, cast

import httpcore

Answer = dict[str, Any]
ANY = "*"
JSON: dict[Any, Any] = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a call; of several things named, the first one that ends it."""

    delay: float = 0.0
    """Seconds before anything else."""
    drop: bool = False
    """Close the connection."""
    drip: float = 0.0
    """Send headers that never end, one byte each ``drip`` seconds."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Answer with this HTTP status, these headers, these bytes."""
    error: tuple[int, str] | None = None
    """Answer with a JSON-RPC error of this code and message."""
    forget: bool = False
    """Answer a raw transaction with its hash, but do not pass it on."""
    lie: Callable[[list[Any], Answer], Answer] | None = None
    """Rewrite the chain's answer to these parameters."""


class Call(NamedTuple):
    """One call that came in."""

    method: str
    params: list[Any]
    headers: dict[str, str]


@dataclass(slots=True)
class _Plan:
    method: str
    fault: Fault
    times: int | None
    rate: float


class RpcProxy:
    """JSON-RPC over HTTP in front of the chain at ``target``; ``seed`` is the rates'."""

    def __init__(self, target: str, seed: int = 0) -> None:
        self.target = target
        self.calls: list[Call] = []
        self._plans: list[_Plan] = []
        self._random = random.Random(seed)  # noqa: S311 (faults need no secrecy)
        self._lock = Lock()
        self.closing = Event()

    def __enter__(self) -> RpcProxy:
        self._chain = httpcore.ConnectionPool(max_connections=None)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._chain.close()

    def fail(
        self, method: str = ANY, *, times: int | None = None, rate: float = 1.0, **fault: Any
    ) -> None:
        """Make calls of ``method`` fail as ``Fault(**fault)`` says, each with probability ``rate``.

        For the next ``times`` calls, or until ``clear``; of several faults the first set applies.
        """
        with self._lock:
            self._plans.append(_Plan(method, Fault(**fault), times, rate))

    def clear(self, method: str | None = None) -> None:
        """Behave well again, for one method or all."""
        with self._lock:
            self._plans = [p for p in self._plans if method not in {None, p.method}]

    def limit_logs(
        self,
        blocks: int | None = None,
        results: int | None = None,
        error: tuple[int, str] = (-32005, "query returned more than {limit} results"),
    ) -> None:
        """Refuse log queries over more blocks, or with more results, in a provider's own words."""

        def lie(params: list[Any], answer: Answer) -> Answer:
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            found = len(answer.get("result", ()))
            for size, limit in ((last - first + 1, blocks), (found, results)):
                if limit is not None and size > limit:
                    text = error[1].replace("{limit}", str(limit))
                    return {"error": {"code": error[0], "message": text}}
            return answer

        self.fail("eth_getLogs", lie=lie)

    def count(self, method: str = ANY) -> int:
        """How many calls came in."""
        return sum(method in {ANY, call.method} for call in list(self.calls))

    def fault_for(self, call: Call) -> Fault:
        """What is to go wrong with a call that just came in; notes the call."""
        with self._lock:
            self.calls.append(call)
            for plan in self._plans:
                if plan.method not in {ANY, call.method} or plan.times == 0:
                    continue
                if plan.rate < 1.0 and self._random.random() >= plan.rate:
                    continue
                if plan.times is not None:
                    plan.times -= 1
                return plan.fault
        return Fault()

    def answer(self, call: Call, fault: Fault, request: Answer) -> Answer:
        """The response of the chain, or what the fault makes of it."""
        if fault.error is not None:
            code, message = fault.error
            return {"error": {"code": code, "message": message}}
        if fault.forget:
            keccak = {"jsonrpc": "2.0", "id": 1, "method": "web3_sha3", "params": call.params}
            return self._ask(keccak)
        answer = self._ask(request)
        return fault.lie(call.params, answer) if fault.lie else answer

    def _ask(self, request: Answer) -> Answer:
        body = json.dumps(request).encode()
        response = self._chain.request("POST", self.target, headers=JSON, content=body)
        return cast(Answer, json.loads(response.content))


class _Server(ThreadingHTTPServer):
    def __init__(self, proxy: RpcProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.proxy = proxy


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer's body waits 40 ms for its headers' receipt

    def do_POST(self) -> None:
        proxy = cast(_Server, self.server).proxy
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = Call(request["method"], request.get("params", []), dict(self.headers))
        fault = proxy.fault_for(call)
        gone = bool(fault.delay) and proxy.closing.wait(fault.delay)
        if gone or fault.drop:
            self.close_connection = True
        elif fault.drip:
            self._drip(proxy, fault.drip)
        elif fault.status or fault.body is not None:
            self._reply(fault.status or 200, fault.body or b"", fault.headers)
        else:
            envelope = {"jsonrpc": "2.0", "id": request.get("id")}
            answer = proxy.answer(call, fault, request) | envelope
            self._reply(200, json.dumps(answer).encode(), JSON)

    def log_message(self, *_: object) -> None: ...

    def _drip(self, proxy: RpcProxy, pause: float) -> None:
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not proxy.closing.wait(pause):
                self.wfile.write(b"x")
        except OSError:
            return  # whoever asked has had enough

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # whoever asked has had enough
