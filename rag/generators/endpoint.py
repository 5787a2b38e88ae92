"""A model behind an OpenAI-compatible endpoint as a generator: the sets are asked at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from rag.errors import ModelError
from rag.generators.prompt import Prompt, build_prompt, quotable, shortened
from rag.generators.reply import EMPTY, Reply, read_reply
from rag.openai_endpoint import OpenAIEndpoint
from rag.types import Passage

MAX_TOKENS = 32
AT_ONCE = 8
MAX_CHARS = 24_000

logger = logging.getLogger(__name__)


class EndpointGenerator:
    """Answers by the model of ``endpoint`` (vLLM and others), ``at_once`` requests at a time.

    With ``chat`` the endpoint's own template is used, else the prompt is a text to continue. All
    passages of a set together have at most ``max_chars`` characters, cut fairly. Safe in any
    thread.
    """

    def __init__(
        self,
        endpoint: OpenAIEndpoint,
        *,
        max_tokens: int = MAX_TOKENS,
        at_once: int = AT_ONCE,
        chat: bool = True,
        max_chars: int = MAX_CHARS,
    ) -> None:
        if min(max_tokens, at_once, max_chars) < 1:
            raise ModelError("A limit of the generator is below 1.", "Raise it, or leave it out.")
        self._endpoint = endpoint
        self._max_tokens = max_tokens
        self._at_once = at_once
        self._chat = chat
        self._max_chars = max_chars

    def answer(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        """Return for each set a short answer, or None where there is none.

        A set without any text, and one whose request fails, is an abstention; raises ModelError
        only when all requests fail.
        """
        return [reply.text for reply in self.replies(question, sets)]

    def replies(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[Reply]:
        """Return the same, with the reason where there is no answer."""
        if not sets:
            return []
        prompts = [self._prompt(question, passages) for passages in sets]
        with ThreadPoolExecutor(min(self._at_once, len(prompts)), "generator") as pool:
            found = list(pool.map(self._ask, prompts))
        errors = [error for error in found if isinstance(error, ModelError)]
        for error in errors:
            logger.warning("a set of passages was not answered: %s", error)
        if len(errors) == len(found):
            raise errors[0]
        return [Reply(None, f.summary) if isinstance(f, ModelError) else f for f in found]

    def _prompt(self, question: str, passages: Sequence[Passage]) -> Prompt | Reply:
        whole = quotable(passages, self._max_chars)
        shown = shortened(whole, self._max_chars, len, lambda text, most: text[:most])
        return build_prompt(question, shown) if shown or not passages else Reply(None, EMPTY)

    def _ask(self, prompt: Prompt | Reply) -> Reply | ModelError:
        if isinstance(prompt, Reply):
            return prompt
        try:
            if self._chat:
                answer = self._endpoint.chat(prompt.messages, self._max_tokens)
            else:
                answer = self._endpoint.complete(prompt.text, self._max_tokens)
        except ModelError as error:
            return error
        return read_reply(answer.text)
