"""Passages to ranked sentences: what a reader is shown."""

from __future__ import annotations

from collections.abc import Sequence

from rag.ports import Encoder
from rag.text import sentences
from rag.types import Evidence, Passage

MAX_SENTENCES = 600
"""Sentences looked at per question and source."""

_SCORE_DIGITS = 5


class SentenceReranker:
    """Ranks the sentences of passages by the cosine of their embedding with the question's.

    Embedding sentences instead of passages pays twice: the encoder's cache is keyed by text and
    copies of a passage share most sentences, and the reader gets its sentence for free.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def rank(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[list[Evidence]]:
        """Return, for each set of passages, its sentences, best first; ties by text."""
        found = [
            [(s, passage) for passage in passages for s in sentences(passage.text)][:MAX_SENTENCES]
            for passages in sets
        ]
        # All at once: what shares a batch then does not depend on the order of the sets.
        distinct = sorted({sentence for pairs in found for sentence, _ in pairs})
        vectors = self._encoder.encode([question, *distinct])
        scores = dict(zip(distinct, (vectors[1:] @ vectors[0]).tolist(), strict=True))
        ranked = []
        for pairs in found:
            evidence = [Evidence(s, p, round(scores[s], _SCORE_DIGITS)) for s, p in pairs]
            ranked.append(sorted(evidence, key=lambda e: (-e.score, e.sentence, e.passage.text)))
        return ranked
