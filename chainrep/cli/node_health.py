"""Asking a running node how it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from chainrep.chain.bounded_json import parse_json
from chainrep.chain.rpc_url import public_part
from chainrep.errors import ConfigError, InputError
from chainrep.service.health import OK

MAX_BYTES = 64 * 1024
WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a node says of itself: ``content`` as of `chainrep.service.health`."""

    well: bool
    content: Mapping[str, Any]


def ask_health(url: str, seconds: float = WAIT_SECONDS) -> Health:
    """``GET /healthz``; raise InputError for no HTTP URL, ConfigError where no node answers."""
    if not url.startswith(("http://", "https://")):
        raise InputError("--url is no http:// or https:// URL.", "Check it.")
    label = public_part(url)
    deadline = time.monotonic() + seconds
    content = bytearray()
    try:
        with httpx.stream(
            "GET",
            url.rstrip("/") + "/healthz",
            headers={"Accept-Encoding": "identity", "User-Agent": "chainrep"},
            timeout=seconds,
            trust_env=False,  # a proxy would be asked about its own loopback
        ) as answer:
            for piece in answer.iter_raw():
                content += piece
                if len(content) > MAX_BYTES or time.monotonic() > deadline:
                    raise ValueError("it says too much, or too slowly")
        return _read(answer.status_code, parse_json(bytes(content)))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"No node answers at {label} ({type(error).__name__}).",
            "Start one with `chainrep node run`, or give its --url.",
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"What answers at {label} is no node of chainrep ({error}).", "Check --url."
        ) from error


def _read(status: int, content: Any) -> Health:
    shape = {"status": str, "problems": list, "parts": dict}
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), kind) for key, kind in shape.items()
    ):
        raise ValueError("its answer has another form")
    tables = [*content["parts"].values(), content.get("index", {}), content.get("outbox", {})]
    if not all(isinstance(table, dict) for table in tables):
        raise ValueError("its answer has another form")
    return Health(status == httpx.codes.OK and content["status"] == OK, content)
