"""Requests to a provider somewhere else, who may be hostile; each is signed by who asks."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from chainrep.chain.rpc_url import public_part
from chainrep.errors import EvidenceUnavailable, InputError
from chainrep.protocol.authorization import LIFETIME_SECONDS, authorize, dump_authorization
from chainrep.protocol.typed_data import LedgerDomain
from rag.jobs.offer import MAX_OFFER_BYTES
from rag.jobs.wire import MAX_BYTES, load_object

MAX_REASON = 300
OFFER, ORDER, DISCLOSURE, ANSWER = "offer", "order", "disclosure", "answer"


class ProviderCall:
    """Asks the provider with this address at ``url``, in the name of a key.

    What a request says is signed together with the provider's address, chain and contract, so that
    it is of no use anywhere else. ``seconds`` bound connecting, each wait and an answer as a whole;
    redirects are not followed, since a hostile server could point at services inside; the
    environment is not asked for proxies. Raises InputError for what is no HTTP URL.
    """

    def __init__(
        self,
        url: str,
        provider: str,
        domain: LedgerDomain,
        private_key: bytes,
        seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError("A provider's URL begins with http:// or https://.")
        self.label = public_part(url)
        self._url = url.rstrip("/")
        self._provider = provider
        self._domain = domain
        self._key = private_key
        self._seconds = seconds
        self._clock = clock

    def offer(self) -> bytes:
        """What it says of itself; raise EvidenceUnavailable where it says nothing."""
        content = self._ask("GET", "/offer", b"", MAX_OFFER_BYTES)
        if content is None:
            raise EvidenceUnavailable(f"{self.label} makes no offer.", "Check --provider.")
        return content

    def order(self, job: int, content: bytes) -> None:
        """Hand over an order; raise EvidenceUnavailable with the provider's words if it refuses."""
        path = f"/jobs/0x{job:064x}"
        if self._ask("POST", path, content, MAX_OFFER_BYTES) is None:
            raise EvidenceUnavailable(f"{self.label} does not know this job.", "Try again later.")

    def fetch(self, job: int, part: str) -> bytes | None:
        """What the provider shows of a job under this name, or None while it shows nothing.

        Raises EvidenceUnavailable where it does not answer or refuses.
        """
        return self._ask("GET", f"/jobs/0x{job:064x}/{part}", b"", MAX_BYTES)

    def _ask(self, method: str, path: str, body: bytes, limit: int) -> bytes | None:
        expires = int(self._clock()) + LIFETIME_SECONDS
        proof = authorize(
            signed_part(method, path, body), expires, self._provider, self._domain, self._key
        )
        headers = {
            "Authorization": dump_authorization(proof),
            "Accept-Encoding": "identity",  # a bounded answer must not unpack to an unbounded one
            "Content-Type": "application/json",
            "User-Agent": "chainrep",
        }
        try:
            status, content = self._exchange(method, path, body, headers, limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EvidenceUnavailable(
                f"The provider at {self.label} does not answer ({type(error).__name__}).",
                "Check its URL, or try again later.",
            ) from error
        if status == httpx.codes.NOT_FOUND:
            return None
        if status not in {httpx.codes.OK, httpx.codes.ACCEPTED}:
            raise EvidenceUnavailable(
                f"The provider at {self.label} answers {status}: {_reason(content)}"
            )
        return content

    def _exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str], limit: int
    ) -> tuple[int, bytes]:
        until = time.monotonic() + self._seconds
        with (
            httpx.Client(timeout=self._seconds, follow_redirects=False, trust_env=False) as http,
            http.stream(method, self._url + path, content=body, headers=headers) as response,
        ):
            read = bytearray()
            for piece in response.iter_raw():  # as they come: filling a piece could wait for ever
                read += piece
                if len(read) > limit:
                    raise EvidenceUnavailable(f"{self.label} sends more than {limit:,} bytes.")
                if time.monotonic() > until:
                    raise EvidenceUnavailable(
                        f"The answer of {self.label} was not complete in {self._seconds:g} s."
                    )
            return response.status_code, bytes(read)


def signed_part(method: str, path: str, body: bytes) -> bytes:
    """The bytes of a request whose digest is signed: method, path and body, a line each."""
    return f"{method} {path}\n".encode() + body


def _reason(content: bytes) -> str:
    """A stranger's words, made fit for a terminal and a log: one short line, nothing hidden."""
    try:
        words = load_object(content, MAX_OFFER_BYTES).get("refused")
    except InputError:
        words = None
    line = "".join(c if c.isprintable() else " " for c in words) if isinstance(words, str) else ""
    return " ".join(line.split())[:MAX_REASON] or "it does not say why."
