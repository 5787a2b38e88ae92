"""A server that does not tell the truth: a real chain behind answers that a test may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chainrep.chain.client import Client

Meddling = Callable[[str, Any, Any], Any]


class Meddler(JSONBaseProvider):
    """``meddle`` gets method, parameters and true response of every call, and returns another."""

    def __init__(self, truth: Client) -> None:
        super().__init__()
        self._truth = truth.w3.provider
        self.meddle: Meddling = lambda method, params, response: response
        self.asked: list[str] = []

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        self.asked.append(str(method))
        return self.meddle(method, params, self._truth.make_request(method, params))


class Remembering(JSONBaseProvider):
    """Asks a chain that stands still every question only once: the embedded one takes its time."""

    def __init__(self, truth: Client) -> None:
        super().__init__()
        self._truth = truth.w3.provider
        self._known: dict[str, RPCResponse] = {}

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        question = repr((method, params))
        if question not in self._known:
            self._known[question] = self._truth.make_request(method, params)
        return self._known[question]


class TwoServers(Client):
    """A client that goes on with the truth once it is told that its first server lies."""

    def __init__(self, provider: Meddler, truth: Client) -> None:
        super().__init__(provider, "the liar")
        self._truth = truth
        self.reasons: list[str] = []

    def switch_rpc(self, reason: str) -> bool:
        self.reasons.append(reason)
        self.w3, self._label = self._truth.w3, self._truth.label
        return len(self.reasons) == 1
