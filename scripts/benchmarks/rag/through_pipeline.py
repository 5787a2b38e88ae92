"""The product's own ``Pipeline`` over a world: recorded answers stand for what sources say.

Everything between is the real thing: search, screen, groups, vote, credit, certificate, judgement,
and an estimator that starts knowing nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.pipeline import Pipeline
from rag.ports import Encoder, TokenStates
from rag.scoring.gold_probes import ProbeSchedule
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.ledgers import LedgerEstimator
from rag.state.arrays import Arrays
from rag.types import Evidence, Passage, Span
from scripts.benchmarks.rag.rounds import TOPICS, Round, topic_of

BESIDE_THE_POINT = "This says nothing of it."
"""What a source shows that has no answer: the reader abstains, and that counts."""


class Book:
    """The round at hand, which every source and the model read from."""

    def __init__(self) -> None:
        self.round: Round | None = None

    @property
    def now(self) -> Round:
        """The round; there is one before anything is asked."""
        assert self.round is not None  # noqa: S101 - the bench opens the book first
        return self.round


class Told:
    """A source whose one passage is its recorded answer."""

    def __init__(self, source: int, book: Book) -> None:
        self.id = source
        self._book = book

    def search(self, _query: str, _k: int) -> Sequence[Passage]:
        """Return what it says to the question, or a passage that answers nothing."""
        return [Passage(self._book.now.answers[self.id] or BESIDE_THE_POINT)]


class Knows:
    """The asker's own model."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def answer(self, _question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        """Return what it says without passages."""
        return [self._book.now.own for _ in sets]


class Whole:
    """A reader of passages that are answers, but for one."""

    def read(self, _question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return the whole passage, or None for the one that answers nothing."""
        texts = [each[0].passage.text if each else BESIDE_THE_POINT for each in sets]
        return [
            Span(text, each[0], 1.0) if text != BESIDE_THE_POINT else None
            for text, each in zip(texts, sets, strict=True)
        ]


class Alike:
    """An encoder to which all texts are alike: there is nothing to rank in one passage."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors (texts, 1)."""
        return np.ones((len(texts), 1), dtype=np.float32)

    def tokens(self, _texts: Sequence[str]) -> list[TokenStates]:
        """Raise: nothing here reads tokens."""
        raise AssertionError("no reader here looks at tokens")


class ByWording:
    """Topics that anybody can tell from the question."""

    def of(self, question: str) -> str:
        """Return the topic's name."""
        return TOPICS[topic_of(question)]

    def state(self) -> Arrays:
        """Return nothing."""
        return {}

    def restore(self, state: Arrays) -> None:
        """Take nothing over."""


class Asked:
    """A pipeline, its estimator, and when gold is looked at."""

    def __init__(
        self, sources: Sequence[int], own: bool, settings: LedgerSettings, probes: ProbeSchedule
    ) -> None:
        self._book = Book()
        self.estimator = LedgerEstimator(settings=settings, topics=ByWording())
        self._probes = probes
        encoder: Encoder = Alike()
        self._pipeline = Pipeline(
            [Told(source, self._book) for source in sources],
            encoder,
            Whole(),
            closed_book=Knows(self._book) if own else None,
            estimator=self.estimator,
        )

    def answer(self, asked: Round) -> tuple[str, bool]:
        """Answer one round; tell whether its gold was seen afterwards."""
        self._book.round = asked
        found = self._pipeline.ask(asked.question)
        probe = self._probes.next_is_probe(self.estimator.doubtful)
        if probe:
            self._pipeline.judge(found, asked.gold)
        return found.text, probe
