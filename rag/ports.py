"""What the pipeline needs from outside, as protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.types import (
    Cost,
    Evidence,
    Found,
    Judgement,
    Passage,
    Reliability,
    Silence,
    Span,
)


@dataclass(frozen=True, slots=True)
class TokenStates:
    """A text as a model's layers see it, token by token.

    ``offsets`` (tokens, 2) are [start, end) in characters, ``states`` (layers, tokens,
    dimensions) float32 vectors.
    """

    offsets: NDArray[np.int64]
    states: NDArray[np.float32]


class Encoder(Protocol):
    """Texts to vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised float32 row per text, shape (len(texts), dimensions)."""
        ...

    def tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return the tokens of each text at the model's first, middle and last layer."""
        ...


class Index(Protocol):
    """Passages made searchable."""

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (passage position, score), best first, ties by position."""
        ...


class Searcher(Protocol):
    """A source that answers searches; where it runs is its own affair."""

    @property
    def id(self) -> int:
        """The id under which the source is registered (uint32)."""
        ...

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """Return at most ``k`` passages, best first; the caller trusts none of them."""
        ...


class Retriever(Protocol):
    """Many sources, asked at once."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the sources that can be asked, ascending."""
        ...

    def search(self, query: str, sources: Sequence[int], k: int) -> Mapping[int, Found | Silence]:
        """Ask each of ``sources`` for at most ``k`` passages; one that fails is silent.

        Never raises for what a source does, and returns within a bounded time.
        """
        ...

    def costs(self) -> Mapping[int, Cost]:
        """Return what is known of prices and latencies, by source id."""
        ...


class Generator(Protocol):
    """A language model that answers from passages, or from what it knows when it gets none."""

    def answer(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        """Return for each set, read on its own, a short answer, or None where it abstains."""
        ...


class Router(Protocol):
    """Whom to ask, learned from what asking was worth."""

    def choose(
        self,
        key: str,
        question: str,
        sources: Sequence[int],
        known: Mapping[int, Reliability],
        costs: Mapping[int, Cost],
    ) -> tuple[int, ...]:
        """Return the distinct ids to ask, ascending; ``key`` names the choice for ``learn``."""
        ...

    def learn(self, key: str, rewards: Mapping[int, float], *, gold: bool = False) -> None:
        """Take what sources of an earlier choice were worth, 0..1; unknown keys are ignored.

        ``gold`` says that it is known for sure: it takes the place of a user's word.
        """
        ...

    def saw(self, given: Mapping[int, Set[Passage]]) -> None:
        """Take the passages that sources gave to one question: who overlaps with whom?"""
        ...

    def save(self) -> None:
        """Keep what was learned, where there is a file for it."""
        ...


class Reader(Protocol):
    """Evidence to answers."""

    def read(self, question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return for each set, read on its own, the span that answers best, or None."""
        ...


class ScoreSource(Protocol):
    """Where reliabilities come from."""

    def reliabilities(self) -> Mapping[int, Reliability]:
        """Return what is known, by source id; sources without evidence may be missing."""
        ...

    def caveat(self) -> str:
        """Return a sentence on why what is known may be out of date, or nothing."""
        ...


class FeedbackSink(Protocol):
    """Where judgements go; it must be durable before ``put`` returns."""

    def put(self, judgement: Judgement) -> None:
        """Take one judgement; the same key again changes nothing."""
        ...
