"""A Hugging Face causal model as a generator: batched over the sets, greedy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from rag.causal_model import CausalModel, chat_prompt, continued
from rag.errors import ModelError
from rag.generators.prompt import Prompt, build_prompt, quotable, shortened
from rag.generators.reply import EMPTY, Reply, read_reply
from rag.types import Passage

MAX_TOKENS = 32
BATCH = 16
# Tokens are seldom longer: a hostile passage is cut to this before a tokenizer sees it.
_CHARS_PER_TOKEN = 16
_ROUNDS = 6

logger = logging.getLogger(__name__)


class CausalGenerator:
    """Answers by ``model``, on its device and in its dtype, with at most ``max_tokens`` tokens.

    A prompt has at most ``max_prompt_tokens`` (default: what the model's context leaves); longer
    passages are cut fairly. ``batch`` sets share one call of ``generate``. The tokenizer's chat
    template is used where it has one. Any number of threads may ask; the model answers one of
    them at a time. Raises ModelError when the context has no room for an answer.
    """

    def __init__(
        self,
        model: CausalModel,
        *,
        max_tokens: int = MAX_TOKENS,
        max_prompt_tokens: int | None = None,
        batch: int = BATCH,
    ) -> None:
        room = model.context - max_tokens
        self._limit = room if max_prompt_tokens is None else min(room, max_prompt_tokens)
        if min(self._limit, max_tokens, batch) < 1:
            raise ModelError(
                f"A context of {model.context:,} tokens leaves no room for an answer of "
                f"{max_tokens:,}, or a limit is below 1.",
                "Lower max_tokens, or use a model with a longer context.",
            )
        self._model = model
        self._max_tokens = max_tokens
        self._batch = batch
        self._marks = _special(model.tokenizer)
        self._lock = threading.Lock()

    def answer(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        """Return for each set a short answer, or None where the model abstains.

        A set without passages is answered from what the model knows. One whose passages have no
        text, or do not even fit when they are cut, abstains. Raises ModelError when the question
        with the shortest passage exceeds the prompt's limit.
        """
        return [reply.text for reply in self.replies(question, sets)]

    def replies(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[Reply]:
        """Return the same, with the reason where there is no answer."""
        prompts = [self._prompt(question, passages) for passages in sets]
        asked = {prompt for prompt in prompts if not isinstance(prompt, Reply)}
        # Neighbours in length share a batch, so that little of it is padding.
        distinct = sorted(asked, key=lambda prompt: (len(prompt), prompt))
        said: dict[tuple[int, ...], Reply] = {}
        with self._lock:
            for start in range(0, len(distinct), self._batch):
                rows = distinct[start : start + self._batch]
                ends = self._model.end_tokens
                found = continued(self._model, rows, self._max_tokens, ends).tolist()
                for prompt, tokens in zip(rows, found, strict=True):
                    said[prompt] = read_reply(self._model.text(tokens))
        return [p if isinstance(p, Reply) else said[p] for p in prompts]

    def _prompt(self, question: str, passages: Sequence[Passage]) -> tuple[int, ...] | Reply:
        whole = quotable(passages, self._limit * _CHARS_PER_TOKEN, self._marks)
        if passages and not whole:
            return Reply(None, EMPTY)
        tokens = self._tokens(build_prompt(question, whole, self._marks))
        taken = sum(self._length(p.title) + self._length(p.text) for p in whole)
        room = self._limit - (len(tokens) - taken)
        for _ in range(_ROUNDS):
            if len(tokens) <= self._limit:
                return tuple(tokens)
            shown = shortened(whole, room, self._length, self._cut)
            if not shown:
                break
            tokens = self._tokens(build_prompt(question, shown, self._marks))
            room -= len(tokens) - self._limit  # a cut text may take other tokens than its part
        return self._too_long(question, len(whole))

    def _too_long(self, question: str, passages: int) -> Reply:
        """Let one set abstain, unless the question is at fault, which would be so for every set."""
        limit = f"{self._limit:,} tokens"
        least = self._tokens(build_prompt(question, [Passage(".")][:passages], self._marks))
        if len(least) > self._limit:
            raise ModelError(
                f"The question and the first words of a passage do not fit into {limit}.",
                "Ask a shorter question, or use a model with a longer context.",
            )
        reason = f"the first words of its {passages} passages do not fit into {limit}"
        logger.warning("a set of passages was not answered: %s", reason)
        return Reply(None, reason)

    def _tokens(self, prompt: Prompt) -> list[int]:
        if not self._model.tokenizer.chat_template:
            return self._model.tokens(prompt.text)
        try:
            return chat_prompt(self._model, prompt.messages)
        except ModelError:  # some templates know no system role
            merged = f"{prompt.instruction}\n\n{prompt.task}"
            return chat_prompt(self._model, [{"role": "user", "content": merged}])

    def _length(self, text: str) -> int:
        return len(self._ids(text))

    def _cut(self, text: str, tokens: int) -> str:
        return self._model.text(self._ids(text)[:tokens])

    def _ids(self, text: str) -> list[int]:
        return [int(i) for i in self._model.tokenizer(text, add_special_tokens=False)["input_ids"]]


def _special(tokenizer: Any) -> tuple[str, ...]:
    """Return the texts that this tokenizer would read as marks wherever they stand."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return tuple(sorted({*tokenizer.all_special_tokens, *added}))
