"""The embedded eth-tester chain behind ordinary JSON-RPC, in process.

eth-tester answers with Python integers and hides revert data in an exception's text. Here both
are put into the form every other node uses, so that nothing above has to know which chain it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.providers.eth_tester import EthereumTesterProvider
from web3.types import RPCEndpoint, RPCResponse

_REVERTED, _INTERNAL = 3, -32603
_BYTES_LITERAL = re.compile(r"""b(?:'.*'|".*")$""", re.DOTALL)


class EmbeddedProvider(JSONBaseProvider):
    """A web3 provider over one in-process chain; requests are answered one at a time."""

    def __init__(self, chain: EthereumTester) -> None:
        super().__init__()
        self._lock = Lock()
        inner = EthereumTesterProvider(chain)
        w3 = Web3(inner)
        self._request = inner.request_func(w3, cast(Any, w3.middleware_onion))

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one JSON-RPC call; a failure becomes an error response, never an exception."""
        with self._lock:
            try:
                response = self._request(method, params)
            except TransactionFailed as failure:
                error = {"code": _REVERTED, "message": "execution reverted"}
                return _response(error=error | _revert_data(failure))
            except Exception as failure:  # noqa: BLE001 (whatever a request causes is its answer)
                message = f"{type(failure).__name__}: {failure}"
                return _response(error={"code": _INTERNAL, "message": message})
        if "error" in response:
            return _response(error=response["error"])
        return _response(result=_to_json(response.get("result")))

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002 (of the base)
        """Whether the chain answers: it lives in this process, so always."""
        return True


def _response(**content: object) -> RPCResponse:
    return cast(RPCResponse, {"jsonrpc": "2.0", "id": 1, **content})


def _revert_data(failure: TransactionFailed) -> dict[str, str]:
    """The revert bytes as hex; eth-tester gives them as the text of a bytes literal."""
    text = str(failure.args[0]) if failure.args else ""
    literal = _BYTES_LITERAL.search(text)
    if literal is None:
        return {"message": text}
    return {"data": "0x" + ast.literal_eval(literal.group()).hex()}


def _to_json(value: Any, name: str = "") -> Any:
    if value is None or isinstance(value, bool | float | str):
        return None if name == "to" and value == "" else value
    if name == "logsBloom":
        return f"0x{int(value):0512x}"
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, Sequence):
        return [_to_json(item) for item in value]
    return {key: _to_json(item, key) for key, item in value.items()}
