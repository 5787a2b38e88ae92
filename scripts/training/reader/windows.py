"""Examples to what the model is shown: a question and a window of the text, as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.training.reader.examples import Example

QUESTION_TOKENS = 40
SPECIAL_TOKENS = 3
ROOM_FOR_NOTHING = 24
"""Tokens that a window without the answer has at least."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's token ids, their [start, end) in characters, and where sentences begin."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    openings: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Window:
    """``ids`` is [CLS] question [SEP] window [SEP]; ``passage`` is the window's first position.

    ``starts`` and ``ends`` are the right positions, both (0,) where nothing answers.
    """

    ids: NDArray[np.int64]
    passage: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Tokenised:
    """Texts and questions as tokens, each once."""

    def __init__(self, tokenizer: Any, examples: Sequence[Example]) -> None:
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        stops = set(tokenizer.convert_tokens_to_ids([".", "!", "?"]))
        texts = list(dict.fromkeys(e.text for e in examples))
        questions = list(dict.fromkeys(e.question for e in examples))
        made = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        self._texts = {
            text: Tokens(
                np.array(ids, dtype=np.int32),
                np.array(offsets, dtype=np.int32).reshape(-1, 2),
                np.array([0, *(i + 1 for i, t in enumerate(ids[:-1]) if t in stops)]),
            )
            for text, ids, offsets in zip(
                texts, made["input_ids"], made["offset_mapping"], strict=True
            )
        }
        asked = tokenizer(questions, add_special_tokens=False)["input_ids"]
        self._questions = {
            q: ids[:QUESTION_TOKENS] for q, ids in zip(questions, asked, strict=True)
        }

    def text(self, text: str) -> Tokens:
        """Return the tokens of a text that was given at the start."""
        return self._texts[text]

    def answering(self, example: Example, limit: int, rng: np.random.Generator) -> Window | None:
        """Cut a window of at most ``limit`` tokens in all around one annotator's answer.

        It begins at a sentence where that fits. None: the answer lies in no token, or is too long.
        """
        tokens = self._texts[example.text]
        places = example.answers[rng.integers(len(example.answers))]
        found = [f for f in (_tokens_of(tokens, s, e) for s, e in places) if f is not None]
        room = limit - SPECIAL_TOKENS - len(self._questions[example.question])
        found = [(a, b) for a, b in found if b - a < room]
        if not found:
            return None
        first, last = found[rng.integers(len(found))]
        lowest, highest = max(0, last + 1 - room), min(first, max(0, len(tokens.ids) - room))
        openings = tokens.openings
        whole = openings[(openings >= lowest) & (openings <= max(highest, lowest))]
        begin = int(rng.choice(whole)) if len(whole) else int(rng.integers(lowest, first + 1))
        end = min(begin + room, len(tokens.ids))
        inside = [(a - begin, b - begin) for a, b in found if begin <= a and b < end]
        return self._window(example.question, tokens, begin, end, inside)

    def silent(self, example: Example, limit: int, rng: np.random.Generator) -> Window | None:
        """Cut a window of the same text that leaves every answer out; None if there is no room."""
        tokens = self._texts[example.text]
        found = [
            f for p in example.answers for s, e in p if (f := _tokens_of(tokens, s, e)) is not None
        ]
        room = limit - SPECIAL_TOKENS - len(self._questions[example.question])
        low = min((a for a, _ in found), default=0)
        high = max((b + 1 for _, b in found), default=0)
        sides = [
            (a, b) for a, b in ((0, low), (high, len(tokens.ids))) if b - a >= ROOM_FOR_NOTHING
        ]
        if not sides:
            return None
        a, b = sides[rng.integers(len(sides))]
        begin = int(rng.integers(a, max(a, b - room) + 1))
        return self._window(example.question, tokens, begin, min(begin + room, b), [])

    def elsewhere(self, question: str, text: str, limit: int, rng: np.random.Generator) -> Window:
        """Cut a window of a text that does not answer."""
        tokens = self._texts[text]
        room = limit - SPECIAL_TOKENS - len(self._questions[question])
        begin = int(rng.integers(0, max(0, len(tokens.ids) - room) + 1))
        return self._window(question, tokens, begin, min(begin + room, len(tokens.ids)), [])

    def _window(
        self, question: str, tokens: Tokens, begin: int, end: int, inside: list[tuple[int, int]]
    ) -> Window:
        asked = self._questions[question]
        passage = len(asked) + 2
        ids = [self.cls, *asked, self.sep, *tokens.ids[begin:end].tolist(), self.sep]
        places = [(a + passage, b + passage) for a, b in inside] or [(0, 0)]
        return Window(
            np.array(ids, dtype=np.int64),
            passage,
            tuple(a for a, _ in places),
            tuple(b for _, b in places),
        )


def _tokens_of(tokens: Tokens, start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last token that overlap [start, end) in characters."""
    touched = np.flatnonzero((tokens.offsets[:, 0] < end) & (tokens.offsets[:, 1] > start))
    return (int(touched[0]), int(touched[-1])) if len(touched) else None
