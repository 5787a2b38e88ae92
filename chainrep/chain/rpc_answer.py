"""What a server sent back: an answer, a JSON-RPC error that is one too, or no answer at all."""

from __future__ import annotations

import re
from typing import Any, cast

from web3.types import RPCResponse

from chainrep.chain.bounded_json import parse_json
from chainrep.chain.unanswered import ServiceRefused, Unanswered

_REVERTED, _LIMIT_EXCEEDED, _TOO_MANY = 3, -32005, 429
"""-32005 is EIP-1474's "limit exceeded"; 429 is HTTP's "too many requests" used as a code."""
_RATE = re.compile(r"rate.?limit|too many requests|requests? limit|(?:per|/) ?second", re.I)
_RANGE = re.compile(r"result|range|block|logs", re.I)
_REVERT = re.compile(r"revert", re.I)
_NO_ANSWER = {401, 403, 407, 408}


def read_answer(
    method: str, status: int, body: bytes, secrets: tuple[str, ...] = ()
) -> RPCResponse:
    """The JSON-RPC response in an HTTP answer to ``method``; errors without the ``secrets``.

    Raises ServiceRefused where the server declines to serve, Unanswered for anything that is no
    JSON-RPC response. Other errors (reverts, "nonce too low", "range too large") are answers.
    """
    if status >= 500 or status == _TOO_MANY:
        raise ServiceRefused(f"HTTP {status}")
    if 300 <= status < 400:
        raise Unanswered(f"HTTP {status}, a redirect, which is not followed")
    if status in _NO_ANSWER:
        raise Unanswered(f"HTTP {status}")
    try:
        answer = parse_json(body)
    except ValueError as cause:
        raise Unanswered(_strange(status)) from cause
    if not isinstance(answer, dict) or answer.get("jsonrpc") != "2.0":
        raise Unanswered(_strange(status))
    if answer.get("error") is None:
        if "result" not in answer or status != 200:
            raise Unanswered(_strange(status))
        answer.pop("error", None)
        return cast(RPCResponse, answer)
    error = _redacted(answer["error"], secrets)  # some servers repeat the URL's key
    if not _is_error(error):
        raise Unanswered(_strange(status))
    response = cast(RPCResponse, answer | {"error": error})
    if _declines(method, error["code"], error["message"]):
        raise ServiceRefused(f"it refuses service with code {error['code']}", response)
    return response


def _strange(status: int) -> str:
    return "what it says is no JSON-RPC" + ("" if status == 200 else f" (HTTP {status})")


def _redacted(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "…")
        return value
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    if isinstance(value, dict):
        return {_redacted(key, secrets): _redacted(item, secrets) for key, item in value.items()}
    return value


def _is_error(error: object) -> bool:
    return (
        isinstance(error, dict)
        and type(error.get("code")) is int
        and isinstance(error.get("message"), str)
    )


def _declines(method: str, code: int, message: str) -> bool:
    # Some servers use -32005 for a range of logs that is too large, which is for the asker to know.
    if method == "eth_getLogs" and _RANGE.search(message) and not _RATE.search(message):
        return False
    if code in {_LIMIT_EXCEEDED, _TOO_MANY}:
        return True
    return code != _REVERTED and not _REVERT.search(message) and bool(_RATE.search(message))
