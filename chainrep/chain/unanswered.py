"""Why one server gave no answer to one request: the kinds that call for different next steps."""

from __future__ import annotations

from web3.types import RPCResponse


class Unanswered(Exception):
    """What came back is no answer; ``reason`` fits into "URL (reason)" and holds no secret.

    ``passing`` says that the same server may answer in a moment.
    """

    passing = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(Unanswered):
    """No connection: when there is one again, it may lead to another chain."""


class CutOff(Unreachable):
    """The connection ended before the answer did, as when a server closes an idle one."""

    passing = True


class AskedForTooMuch(Unanswered):
    """The answer takes too long, or is too large: a smaller question may be answered."""


class ServiceRefused(Unanswered):
    """The server is overloaded, or counts requests; ``answer`` is its JSON-RPC error, if any."""

    passing = True

    def __init__(self, reason: str, answer: RPCResponse | None = None) -> None:
        super().__init__(reason)
        self.answer = answer


class OnAnotherChain(Unanswered):
    """The server serves another chain than the one that this connection is about."""
