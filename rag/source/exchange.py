"""One request to a stranger's HTTP server and its bounded answer."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpcore

from rag.source.wire import MAX_METADATA_BYTES, read_refusal

MAX_REST_SECONDS = 3_600.0
FEW_PIECES = 64
PIECE_BYTES = 512
"""What pieces beyond the first few hold at the least, on average: packets hold more."""
MAX_KEPT = 64
"""Idle connections."""
_KEPT_SECONDS = 4.0
"""Below the five seconds after which uvicorn, and much else, closes an idle connection."""
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "chainrep",
    "Accept-Encoding": "identity",  # a bounded answer must not unpack to an unbounded one
}


class Unanswered(Exception):
    """A source gave no answer of use: ``reason`` continues a sentence that begins with "It".

    ``rest`` are seconds for which it asked to be left alone. ``broken`` says that it was the
    connection that failed, so that another try may well succeed; ``fault`` that it answered, with
    what no honest source sends.
    """

    def __init__(
        self, reason: str, *, rest: float = 0.0, broken: bool = False, fault: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rest = rest
        self.broken = broken
        self.fault = fault


class Exchange:
    """HTTP/1.1 through one network; connections stay open for the next request if ``keep``.

    Redirects are not followed, since a hostile server could point at services inside; the
    environment is not asked for proxies. How long an exchange may take is bounded by whoever
    waits for it: it may be cancelled at any moment. httpcore, on which httpx is built, does all
    of that at two thirds of httpx's time.
    """

    def __init__(
        self,
        network: httpcore.AsyncNetworkBackend,
        authorities: ssl.SSLContext,
        *,
        keep: bool = True,
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=authorities,
            max_connections=None,
            max_keepalive_connections=MAX_KEPT if keep else 0,
            keepalive_expiry=_KEPT_SECONDS if keep else 0.0,
            network_backend=network,
        )
        self._headers = _HEADERS if keep else _HEADERS | {"Connection": "close"}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], limit: int) -> bytes:
        """The content of an answer with status 200; raises Unanswered for any other end."""
        return await self._ask("POST", url, body, headers, limit)

    async def get(self, url: str, headers: Mapping[str, str], limit: int) -> bytes:
        """As `post`."""
        return await self._ask("GET", url, None, headers, limit)

    async def close(self) -> None:
        """End the connections."""
        await self._pool.aclose()

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], limit: int
    ) -> bytes:
        named = {"Host": urlsplit(url).netloc, **self._headers, **headers}
        sent: list[tuple[bytes | str, bytes | str]] = list(named.items())
        try:
            async with self._pool.stream(method, url, headers=sent, content=body) as response:
                if response.status == 200:
                    return await _read(response, limit)
                refused = await _read(response, MAX_METADATA_BYTES)
        except httpcore.ConnectError as error:
            raise Unanswered(f"cannot be reached: {error}", broken=True) from error
        except httpcore.RemoteProtocolError as error:
            raise Unanswered("broke off, or does not speak HTTP", broken=True) from error
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise Unanswered("broke off in the middle", broken=True) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
            raise Unanswered(f"cannot be asked ({type(error).__name__})") from error
        raise _refused(response, refused)


async def _read(response: httpcore.Response, limit: int) -> bytes:
    content, pieces = bytearray(), 0
    async for piece in response.aiter_stream():
        content += piece
        pieces += 1
        if len(content) > limit:
            raise Unanswered(f"sends more than {limit:,} bytes", fault=True)
        # A chunk of one byte costs as much time as a long one.
        if len(content) < PIECE_BYTES * (pieces - FEW_PIECES):
            raise Unanswered("sends its answer in countless small pieces", fault=True)
    return bytes(content)


def _refused(response: httpcore.Response, content: bytes) -> Unanswered:
    status = response.status
    if 300 <= status < 400:
        return Unanswered("points somewhere else, and redirects are not followed")
    rest = _rest(response) if status in {429, 503} else 0.0
    words = read_refusal(content, 120)
    said = f' and says "{words}"' if words else ""
    if status == 429:
        return Unanswered(f"is asked too often (status 429){said}", rest=rest)
    return Unanswered(f"answers with status {status}{said}", rest=rest)


def _rest(response: httpcore.Response) -> float:
    """Retry-After (RFC 9110 §10.2.3) in seconds: digits or a date; 0 where there is none."""
    stated = next((v for n, v in response.headers if n.lower() == b"retry-after"), b"")
    text = stated.decode("ascii", "replace").strip()
    if text.isdecimal() and text.isascii():
        return min(float(text[:9]), MAX_REST_SECONDS)
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return min(max(0.0, moment - time.time()), MAX_REST_SECONDS)
