"""What the pipeline needs from outside, as protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.types import Evidence, Judgement, Passage, Reliability, Span


class Encoder(Protocol):
    """Texts to vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised float32 row per text, shape (len(texts), dimensions)."""
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


class Reader(Protocol):
    """Evidence to an answer."""

    def read(self, question: str, evidence: Sequence[Evidence]) -> Span | None:
        """Return the span that answers best, or None when nothing does."""
        ...


class ScoreSource(Protocol):
    """Where reliabilities come from."""

    def reliabilities(self) -> Mapping[int, Reliability]:
        """Return what is known, by source id; sources without evidence may be missing."""
        ...


class FeedbackSink(Protocol):
    """Where judgements go; it must be durable before ``put`` returns."""

    def put(self, judgement: Judgement) -> None:
        """Take one judgement; the same key again changes nothing."""
        ...
