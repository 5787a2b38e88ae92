"""A generator as a reader: what it answers, and the sentence that bears it out."""

from __future__ import annotations

from collections.abc import Sequence

from rag.generators.prompt import MAX_PASSAGES
from rag.ports import Generator
from rag.text import normalised
from rag.types import Evidence, Passage, Span

PASSAGES = 10


class GeneratorReader:
    """Shows a generator the ``passages`` best passages of each set, and cites a sentence.

    The sentence is the one that repeats most of the answer's words, the best ranked among
    equals. A span's confidence is that share of the answer's words, 0..1: how far the answer is
    borne out word for word. It is no probability of being right, which a generator does not
    tell; a right answer in other words, and every yes or no, has little of it.
    """

    def __init__(self, generator: Generator, *, passages: int = PASSAGES) -> None:
        self._generator = generator
        self._passages = max(1, min(passages, MAX_PASSAGES))

    def read(self, question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return for each set the generator's answer, or None where it abstains.

        A set without evidence is None as well: the model's own knowledge is not the source's.
        """
        spoken = [i for i, evidence in enumerate(sets) if evidence]
        shown = [self._shown(sets[i]) for i in spoken]
        found: list[Span | None] = [None] * len(sets)
        answers = self._generator.answer(question, shown) if shown else []
        for i, text in zip(spoken, answers, strict=True):
            found[i] = _cited(text, sets[i]) if text else None
        return found

    def _shown(self, evidence: Sequence[Evidence]) -> list[Passage]:
        return list(dict.fromkeys(e.passage for e in evidence))[: self._passages]


def _cited(text: str, evidence: Sequence[Evidence]) -> Span:
    words = set(normalised(text).split())
    shares = [len(words & set(normalised(e.sentence).split())) for e in evidence]
    best = max(range(len(evidence)), key=lambda i: (shares[i], -i))
    return Span(text, evidence[best], shares[best] / len(words) if words else 0.0)
