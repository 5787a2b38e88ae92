"""One request to a committee member on another machine, and the signature in its answer."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import httpx

from chainrep.errors import InputError, SignatureError, SigningRefused
from chainrep.protocol.authorization import LIFETIME_SECONDS, authorize, dump_authorization
from chainrep.protocol.typed_data import LedgerDomain

MAX_ANSWER_BYTES = 4_096
MAX_REASON = 300
_SIGNATURE = re.compile(r"0x[0-9a-f]{130}", re.ASCII)
_ID = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


class MemberCall:
    """Asks the member at ``url`` in the name of the coordinator's key.

    ``seconds`` bound connecting, each wait for the member, and reading its answer as a whole. Any
    number of threads may ask. Raises InputError for what is no HTTP URL.
    """

    def __init__(
        self,
        url: str,
        address: str,
        domain: LedgerDomain,
        coordinator_key: bytes,
        seconds: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError(f"{url!r} is no http:// or https:// URL.")
        self.address = address
        self._url = url.rstrip("/")
        self._domain = domain
        self._key = coordinator_key
        self._seconds = seconds
        self._clock = clock

    def ask(self, path: str, body: bytes) -> bytes:
        """The signature the member answers with; whether it is one is for the caller to check.

        Raises SigningRefused with the member's own words, SignatureError where it does not answer
        or not in the form agreed on.
        """
        expires = int(self._clock()) + LIFETIME_SECONDS
        proof = authorize(body, expires, self.address, self._domain, self._key)
        headers = {
            "Authorization": dump_authorization(proof),
            "Accept-Encoding": "identity",  # a bounded answer must not unpack to an unbounded one
            "Content-Type": "application/octet-stream",
        }
        try:
            status, answer = self._post(self._url + path, body, headers)
        except httpx.HTTPError as error:
            raise SignatureError(f"It does not answer ({type(error).__name__}).") from error
        if status in {httpx.codes.OK, httpx.codes.CONFLICT}:
            return _signature(answer)
        reason = _text(answer.get("refused"))
        raise SigningRefused(f"It answers {status}{f': {reason}' if reason else '.'}")

    def _post(
        self, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, object]]:
        until = time.monotonic() + self._seconds
        # A client per request: nothing is kept that another thread might be using. The
        # environment is not asked for proxies or passwords, and a redirect is not followed.
        with (
            httpx.Client(timeout=self._seconds, follow_redirects=False, trust_env=False) as http,
            http.stream("POST", url, content=body, headers=headers) as response,
        ):
            read = b""
            for piece in response.iter_raw():  # as they come: filling a piece would wait for ever
                read += piece
                if len(read) > MAX_ANSWER_BYTES:
                    raise SignatureError(f"Its answer is longer than {MAX_ANSWER_BYTES} bytes.")
                if time.monotonic() > until:
                    raise SignatureError(f"Its answer was not complete in {self._seconds:g} s.")
        return response.status_code, _json(read)


def _json(read: bytes) -> dict[str, object]:
    try:
        answer = json.loads(read)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _signature(answer: dict[str, object]) -> bytes:
    if "refused" in answer:
        named = answer.get("feedback")
        feedback = (
            bytes.fromhex(named[2:]) if isinstance(named, str) and _ID.fullmatch(named) else None
        )
        raise SigningRefused(f"It refuses: {_text(answer['refused'])}", feedback=feedback)
    signature = answer.get("signature")
    if not isinstance(signature, str) or not _SIGNATURE.fullmatch(signature):
        raise SignatureError("Its answer holds no signature.")
    return bytes.fromhex(signature[2:])


def _text(value: object) -> str:
    """A stranger's words, made fit for a terminal and a log: one short line, nothing hidden."""
    words = value if isinstance(value, str) else ""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= MAX_REASON else line[:MAX_REASON] + "…"
