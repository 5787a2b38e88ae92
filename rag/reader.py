"""The extractive reader: the best sentence, and in it the span that fits the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.ports import Encoder
from rag.text import terms
from rag.types import Evidence, Span


class ExtractiveReader:
    """Chooses a span by simple rules; the same for every method that is compared."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def read(self, question: str, evidence: Sequence[Evidence]) -> Span | None:
        """Return the span that answers best, or None when nothing does."""
        known = set(terms(question))
        for item in evidence[:3]:
            runs = re.findall(r"[A-Z\d][\w.,%-]*(?: [A-Z\d][\w.,%-]*)*", item.sentence)
            for run in runs:
                text = run.strip(".,")
                if not set(terms(text)) & known and terms(text):
                    return Span(text, item, max(0.0, min(1.0, item.score)))
        return None
