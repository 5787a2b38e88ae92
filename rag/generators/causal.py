"""A Hugging Face causal model as a generator: batched over the sets, greedy."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rag.causal_model import CausalModel, chat_prompt, continued
from rag.errors import ModelError
from rag.generators.prompt import MAX_PASSAGES, Prompt, build_prompt, shortened
from rag.generators.reply import Reply, read_reply
from rag.types import Passage

MAX_TOKENS = 32
BATCH = 16
# Tokens are seldom longer: a hostile passage is cut to this before a tokenizer sees it.
_CHARS_PER_TOKEN = 16
_ROUNDS = 6


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

        A set without passages is answered from what the model knows. Raises ModelError when the
        question alone exceeds the prompt's limit.
        """
        return [reply.text for reply in self.replies(question, sets)]

    def replies(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[Reply]:
        """Return the same, with the reason where there is no answer."""
        prompts = [tuple(self._prompt(question, passages)) for passages in sets]
        # Neighbours in length share a batch, so that little of it is padding.
        distinct = sorted(set(prompts), key=lambda prompt: (len(prompt), prompt))
        said: dict[tuple[int, ...], Reply] = {}
        with self._lock:
            for start in range(0, len(distinct), self._batch):
                rows = distinct[start : start + self._batch]
                ends = self._model.end_tokens
                found = continued(self._model, rows, self._max_tokens, ends).tolist()
                for prompt, tokens in zip(rows, found, strict=True):
                    said[prompt] = read_reply(self._model.text(tokens))
        return [said[prompt] for prompt in prompts]

    def _prompt(self, question: str, passages: Sequence[Passage]) -> list[int]:
        most = self._limit * _CHARS_PER_TOKEN
        whole = [Passage(p.text[:most], p.title[:most]) for p in passages[:MAX_PASSAGES]]
        tokens = self._tokens(build_prompt(question, whole, self._marks))
        if len(tokens) <= self._limit:
            return tokens
        taken = sum(self._length(p.title) + self._length(p.text) for p in whole)
        room = self._limit - (len(tokens) - taken)
        for _ in range(_ROUNDS):
            shown = shortened(whole, room, self._length, self._cut)
            if not shown:
                break
            tokens = self._tokens(build_prompt(question, shown, self._marks))
            if len(tokens) <= self._limit:
                return tokens
            room -= len(tokens) - self._limit  # a cut text may take other tokens than its part
        raise ModelError(
            f"The question and the first words of its {len(passages)} passages do not fit into "
            f"{self._limit:,} tokens.",
            "Ask a shorter question, show fewer passages, or use a model with a longer context.",
        )

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
