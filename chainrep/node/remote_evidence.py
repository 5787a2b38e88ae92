"""Evidence on a server, fetched over HTTP by someone who does not trust it."""

from __future__ import annotations

import time

import httpx

from chainrep.chain.address_book import MAX_FILE_BYTES as MAX_BOOK_BYTES
from chainrep.chain.address_book import Deployment, parse_deployment
from chainrep.chain.rpc_url import public_part
from chainrep.errors import EvidenceUnavailable, InputError
from chainrep.protocol.evidence_file import MAX_FILE_BYTES

WAIT_SECONDS = 20.0
DOWNLOAD_SECONDS = 300.0


class RemoteEvidence:
    """The evidence served under ``url``; what it says is unchecked.

    ``wait_seconds`` bound connecting and each wait for a piece of an answer, ``download_seconds``
    an answer as a whole. A redirect is never followed, since a hostile server could point at
    services inside; proxies are those of the environment. Raises InputError for what is no HTTP
    URL.
    """

    def __init__(
        self,
        url: str,
        wait_seconds: float = WAIT_SECONDS,
        download_seconds: float = DOWNLOAD_SECONDS,
    ) -> None:
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:  # the text of which may hold the URL
            raise _no_url() from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise _no_url()
        self.label = public_part(url)
        self._url = url.rstrip("/")
        self._seconds = download_seconds
        self._http = httpx.Client(
            timeout=wait_seconds,
            follow_redirects=False,
            # A bounded answer must not unpack to an unbounded one.
            headers={"Accept-Encoding": "identity", "User-Agent": "chainrep"},
        )

    def read(self, root: bytes) -> bytes | None:
        """The file of this root, None where the server has none; raise EvidenceUnavailable."""
        return self._get(f"/evidence/0x{root.hex()}", MAX_FILE_BYTES)

    def deployment(self) -> Deployment:
        """The deployment that the server says its evidence is of; raise EvidenceUnavailable."""
        content = self._get("/deployment", MAX_BOOK_BYTES)
        try:
            if content is None:
                raise ValueError("it has none")
            return parse_deployment(content)
        except (TypeError, ValueError) as error:
            raise EvidenceUnavailable(
                f"{self.label} does not tell which ledger its evidence is of ({error}).",
                "Check --evidence, or name the ledger with --ledger.",
            ) from error

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _get(self, path: str, limit: int) -> bytes | None:
        until = time.monotonic() + self._seconds
        try:
            with self._http.stream("GET", self._url + path) as response:
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                if response.status_code != httpx.codes.OK:
                    raise EvidenceUnavailable(
                        f"{self.label} answers with status {response.status_code}.", _hint(response)
                    )
                content = bytearray()
                for piece in response.iter_raw():
                    content += piece
                    if len(content) > limit:
                        raise EvidenceUnavailable(
                            f"{self.label} sends more than {limit:,} bytes, which no file has."
                        )
                    if time.monotonic() > until:
                        raise EvidenceUnavailable(
                            f"{self.label} takes longer than {self._seconds:.3g} s for a file.",
                            "Try again later.",
                        )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EvidenceUnavailable(
                f"{self.label} does not answer with evidence ({type(error).__name__}).",
                "Check --evidence, or try again later.",
            ) from error
        return bytes(content)


def _hint(response: httpx.Response) -> str:
    if response.is_redirect:
        return "Redirects are not followed: give the URL it leads to with --evidence."
    return "Check --evidence, or try again later."


def _no_url() -> InputError:
    return InputError("--evidence is no http:// or https:// URL.", "Check it.")
