"""A model behind an OpenAI-compatible endpoint, asked at temperature 0.

Such an endpoint shows text alone: no hidden states, no seed. What remains is ``text_check``.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from rag.errors import DatasetError, ModelError
from rag.json_text import parse_json

MAX_RESPONSE_BYTES = 4 << 20
MAX_PROMPT_CHARS = 1_000_000
WAIT_SECONDS = 60.0
ANSWER_SECONDS = 300.0
FINISHES = ("stop", "length")


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What an endpoint said; ``stopped`` is false where ``max_tokens`` ended the answer."""

    text: str
    stopped: bool
    max_tokens: int


class OpenAIEndpoint:
    """The endpoint under ``url`` (the part before ``/v1``), and the name it gives its model.

    ``wait_seconds`` bound connecting and each wait for a piece of an answer, ``answer_seconds`` an
    answer as a whole. The key travels in a header and is never part of a message; it is not sent
    unencrypted to another machine: a proxy that the environment names is used for https:// alone.
    Redirects are not followed. Raises ModelError for what is no HTTP URL.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str | None = None,
        *,
        wait_seconds: float = WAIT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        parsed = _parsed(url)
        if api_key is not None and parsed.scheme == "http" and not _local(parsed.host):
            raise ModelError(
                f"The key for {parsed.host} would travel unencrypted.", "Use an https:// URL."
            )
        self._host = parsed.host
        self._url = url.rstrip("/").removesuffix("/v1")
        self._model = model
        self._seconds = answer_seconds
        key = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(
            timeout=wait_seconds,
            follow_redirects=False,
            # Through a proxy an http:// request goes in the clear, key and all.
            trust_env=parsed.scheme == "https",
            # A bounded answer must not unpack to an unbounded one.
            headers={"Accept-Encoding": "identity", "User-Agent": "chainrep", **key},
        )

    def complete(self, prompt: str, max_tokens: int) -> EndpointAnswer:
        """Continue a text by ``/v1/completions``; raises ModelError when there is no answer."""
        _bounded(len(prompt))
        choice = self._ask("completions", {"prompt": prompt}, max_tokens)
        return self._answer(choice.get("text"), choice, max_tokens)

    def chat(self, messages: Sequence[Mapping[str, str]], max_tokens: int) -> EndpointAnswer:
        """Answer messages of ``role`` and ``content`` by ``/v1/chat/completions``.

        Raises ModelError when there is no answer.
        """
        _bounded(sum(len(message["content"]) for message in messages))
        listed = [dict(message) for message in messages]
        choice = self._ask("chat/completions", {"messages": listed}, max_tokens)
        message = choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        return self._answer(content, choice, max_tokens)

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _ask(self, path: str, question: dict[str, Any], max_tokens: int) -> dict[str, Any]:
        body = {"model": self._model, "temperature": 0, "max_tokens": max_tokens, "n": 1}
        content = self._post(f"{self._url}/v1/{path}", json.dumps({**question, **body}).encode())
        try:
            found = parse_json(content.decode(), self._host)
            choice = found["choices"][0]
            if not isinstance(choice, dict):
                raise TypeError("a choice is no object")
        except (DatasetError, ValueError, TypeError, KeyError, IndexError) as error:
            raise self._unusable() from error
        return choice

    def _answer(self, text: Any, choice: dict[str, Any], max_tokens: int) -> EndpointAnswer:
        finish = choice.get("finish_reason")
        if not isinstance(text, str) or finish not in FINISHES or not (text or finish == "stop"):
            raise self._unusable()
        return EndpointAnswer(text, finish == "stop", max_tokens)

    def _post(self, url: str, body: bytes) -> bytes:
        until = time.monotonic() + self._seconds
        content = bytearray()
        try:
            with self._http.stream(
                "POST", url, content=body, headers={"Content-Type": "application/json"}
            ) as response:
                if response.status_code != httpx.codes.OK:
                    raise ModelError(
                        f"{self._host} answers with status {response.status_code}.",
                        "Check the URL, the model's name there and the key.",
                    )
                for piece in response.iter_raw():
                    content += piece
                    if len(content) > MAX_RESPONSE_BYTES or time.monotonic() > until:
                        raise ModelError(
                            f"{self._host} sent more than {MAX_RESPONSE_BYTES:,} bytes, or took "
                            f"longer than {self._seconds:.3g} s.",
                            "Ask for fewer tokens, or try again later.",
                        )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(
                f"{self._host} does not answer ({type(error).__name__}).",
                "Check the URL, or try again later.",
            ) from error
        return bytes(content)

    def _unusable(self) -> ModelError:
        return ModelError(
            f"{self._host} sent something else than one answer that it finished.",
            "Check that it is an OpenAI-compatible endpoint for text, without tools or filters.",
        )


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:  # the text of which may hold the URL
        raise _no_url() from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise _no_url()
    return parsed


def _no_url() -> ModelError:
    return ModelError("The endpoint is no http:// or https:// URL.", "Check it.")


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bounded(characters: int) -> None:
    if not 0 < characters <= MAX_PROMPT_CHARS:
        raise ModelError(
            f"The prompt has {characters:,} characters.",
            f"Give 1 to {MAX_PROMPT_CHARS:,} of them.",
        )
