"""Questions with gold answers, and the passages that may answer them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from rag.errors import DatasetError
from rag.text import clean
from rag.types import Passage, Question

MAX_PASSAGES = 1_000_000
MAX_PASSAGE_CHARS = 100_000
MAX_QUESTIONS = 1_000_000
MAX_QUESTION_CHARS = 2_000
MAX_ANSWER_CHARS = 1_000
MAX_ANSWERS = 64


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions and passages from one place; ``name`` is what to call it in a message."""

    name: str
    questions: tuple[Question, ...]
    passages: tuple[Passage, ...]

    def sample(self, count: int, seed: int) -> Dataset:
        """Return ``count`` of the questions, drawn and ordered by ``seed``, on all passages.

        Fewer are returned when the dataset holds fewer.
        """
        drawn = list(self.questions)
        random.Random(seed).shuffle(drawn)  # noqa: S311 - a repeatable draw, not a secret
        return replace(self, questions=tuple(drawn[: max(count, 0)]))


class DatasetBuilder:
    """Collects questions and passages, bounded, with a passage that returns merged into one.

    Every method raises DatasetError that names ``place``, the spot in the file it was called for.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._questions: dict[Question, None] = {}
        self._passages: dict[Passage, int] = {}

    def add_passage(self, text: str, title: str, place: str) -> int:
        """Take a passage and return its position."""
        passage = Passage(
            _bounded(text, MAX_PASSAGE_CHARS, "passage", place),
            _bounded(title, MAX_QUESTION_CHARS, "title", place, may_be_empty=True),
        )
        if passage not in self._passages and len(self._passages) >= MAX_PASSAGES:
            raise DatasetError(
                f"{place}: a dataset holds at most {MAX_PASSAGES:,} passages.",
                "Split it into several datasets.",
            )
        return self._passages.setdefault(passage, len(self._passages))

    def add_question(self, text: str, answers: list[str], passages: list[int], place: str) -> None:
        """Take a question; a question that returns with the same answers is kept once."""
        if len(self._questions) >= MAX_QUESTIONS or len(answers) > MAX_ANSWERS:
            raise DatasetError(
                f"{place}: a dataset holds at most {MAX_QUESTIONS:,} questions with "
                f"{MAX_ANSWERS} answers each.",
                "Split it into several datasets.",
            )
        question = Question(
            _bounded(text, MAX_QUESTION_CHARS, "question", place),
            tuple(dict.fromkeys(_bounded(a, MAX_ANSWER_CHARS, "answer", place) for a in answers)),
            tuple(dict.fromkeys(passages)),
        )
        self._questions[question] = None

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions taken so far."""
        return tuple(self._questions)

    def build(self) -> Dataset:
        """Return the dataset; raises DatasetError when it has no passage."""
        if not self._passages:
            raise DatasetError(
                f"{self._name} holds no passage.",
                "Give a dataset with at least one passage of text.",
            )
        return Dataset(self._name, self.questions, tuple(self._passages))


def _bounded(text: str, limit: int, noun: str, place: str, *, may_be_empty: bool = False) -> str:
    if len(text) > limit:
        raise DatasetError(
            f"{place}: the {noun} has {len(text):,} characters, {limit:,} are allowed.",
            "Shorten it or split it up.",
        )
    cleaned = clean(text)
    if not cleaned and not may_be_empty:
        raise DatasetError(f"{place}: the {noun} is empty.", "Fill it in or remove it.")
    return cleaned
