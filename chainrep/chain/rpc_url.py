"""One JSON-RPC URL: requests that end in time, stay small, and tell nobody the key in the URL."""

from __future__ import annotations

import base64
import re
import time
import weakref
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore

from chainrep.chain.timed_backend import Clock, TimedBackend
from chainrep.chain.unanswered import AskedForTooMuch, CutOff, Unanswered, Unreachable
from chainrep.errors import InputError

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Four times what the densest range of batches needs; whoever asks for logs then asks for less."""
_IDLE_SECONDS, _IDLE_CONNECTIONS = 15.0, 8
_SECRET = 12
"""Parts of a path or query that are shorter are names like "v2" or "mainnet"."""
_URL = re.compile(r"https?://[!-~]+")


class RpcUrl:
    """An http:// or https:// URL, with connections kept open for any number of threads.

    ``public`` is what may be shown of it, ``secrets`` are the parts that must not be. Proxies are
    those of the environment; redirects are never followed, since a hostile server could point
    them at services inside. Raises InputError, which does not repeat the URL.
    """

    def __init__(self, url: str, clock: Clock = time.monotonic) -> None:
        if not _URL.fullmatch(url):
            raise InputError("An RPC URL is no http:// or https:// URL.", "Check --rpc.")
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna")
            port = parts.port
        except ValueError as error:  # the text of which may hold the URL
            raise InputError("An RPC URL has no valid host or port.", "Check --rpc.") from error
        if not host:
            raise InputError("An RPC URL has no valid host or port.", "Check --rpc.")
        self.public = public_part(url)
        query = [value for _, value in parse_qsl(parts.query)]
        pieces = (unquote(parts.username or ""), *parts.path.split("/"), *query)
        long = [piece for piece in pieces if len(piece) >= _SECRET]
        password = unquote(parts.password or "")
        self.secrets = tuple(filter(None, (*long, password)))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._url = httpcore.URL(
            scheme=parts.scheme.encode(), host=host, port=port, target=target.encode()
        )
        self._headers: dict[str | bytes, str | bytes] = {
            "Content-Type": "application/json",
            "User-Agent": "chainrep",
            "Accept-Encoding": "identity",  # a bounded answer must not unpack to an unbounded one
        }
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{password}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(user).decode()
        self._clock = clock
        self._pool = _pool(parts.scheme, host.decode(), TimedBackend(clock))
        weakref.finalize(self, self._pool.close)

    def post(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        """HTTP status and content of the answer, complete before ``deadline`` on the clock.

        Raises Unreachable, CutOff or AskedForTooMuch, and Unanswered for the rest.
        """
        began = self._clock()
        limits = dict.fromkeys(("connect", "read", "write"), deadline)
        limits["pool"] = max(0.0, deadline - began)  # the pool's own clock counts from now
        try:
            with self._pool.stream(
                "POST", self._url, headers=self._headers, content=body,
                extensions={"timeout": limits},
            ) as response:  # fmt: skip
                content = bytearray()
                for piece in response.iter_stream():
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise AskedForTooMuch(f"its answer is over {MAX_ANSWER_BYTES >> 20} MiB")
                return response.status, bytes(content)
        except httpcore.ConnectTimeout as error:
            raise Unreachable("no connection in time") from error
        except httpcore.TimeoutException as error:
            seconds = deadline - began
            raise AskedForTooMuch(f"no complete answer in {seconds:.3g} s") from error
        except httpcore.ConnectError as error:
            raise Unreachable(_cause(error)) from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            raise CutOff("the connection broke before the answer was complete") from error
        except httpcore.ProxyError as error:
            raise Unreachable("the proxy in between refuses") from error
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
            raise Unanswered(f"the exchange failed ({type(error).__name__})") from error


def public_part(url: str) -> str:
    """Scheme, host and port: the rest of an RPC URL is often a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cause(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "connection refused" if "refused" in text else text[:120]


def _pool(scheme: str, host: str, backend: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    through = None if proxy_bypass(host) else getproxies().get(scheme)
    settings: dict[str, Any] = {
        "ssl_context": httpcore.default_ssl_context() if scheme == "https" else None,
        "max_connections": None,
        "max_keepalive_connections": _IDLE_CONNECTIONS,
        "keepalive_expiry": _IDLE_SECONDS,
        "network_backend": backend,
    }
    if through is None:
        return httpcore.ConnectionPool(**settings)
    parts = urlsplit(through)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(
            f"The environment names a proxy for {scheme} that is no http:// or https:// URL.",
            "Change it, or exempt the RPC's host with NO_PROXY.",
        )
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.HTTPProxy(proxy_url=public_part(through), proxy_auth=user, **settings)
