"""The extractive reader: the best sentences, and in them the span that fits the question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np

from rag.ports import Encoder, TokenStates
from rag.spans import Words, candidates, features
from rag.types import Evidence, Span

SENTENCES = 2
SENTENCE_WEIGHT = 3.76

WEIGHTS: Mapping[str, float] = {
    "one_word": -1.25,
    "number_asked": 1.97,
    "number_alone_asked": 2.3,
    "name_asked": 2.97,
    "name_for_what": 1.65,
    "place_after_in": 1.37,
    "thing_after_is": 0.72,
    "cuts_name": -1.23,
    "comma_inside": -1.14,
    "function_words_around": 0.51,
    "ends_sentence": 1.48,
    "repeats_question": -2.25,
    "words_to_question_term": -0.2,
    "question_terms_before": 2.29,
    "question_terms_behind": 1.6,
    "like_question_word_at_first": -7.73,
    "like_question_at_first": -3.24,
    "like_sentence_midway": -8.26,
    "like_question_phrase_midway": 6.2,
    "like_question_word_at_last": 4.42,
}

# Far above the noise of a float32 model, far below any difference that means something.
_SCORE_DIGITS = 4


class ExtractiveReader:
    """Ranks the spans of the two best sentences by a weighted sum of features.

    The weights are those of a multinomial logistic regression over the spans of the two best
    sentences of the gold paragraph, fitted on 1,800 seeded questions of SQuADShifts (Miller et
    al., 2020; Reddit and Amazon reviews). A span's confidence is its probability among the
    candidates. The reader is the same for every method that is compared.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def read(self, question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return for each set its most probable span, or None when it has no candidate.

        Equal scores are decided by the alphabet.
        """
        shown = [_distinct(evidence)[:SENTENCES] for evidence in sets]
        texts = sorted({e.sentence for evidence in shown for e in evidence})
        asked, *tokens = self._encoder.tokens([question, *texts])
        seen = dict(zip(texts, tokens, strict=True))
        return [_best(question, asked, evidence, seen) for evidence in shown]


def _best(
    question: str, asked: TokenStates, shown: Sequence[Evidence], seen: Mapping[str, TokenStates]
) -> Span | None:
    found: list[tuple[float, str, Evidence]] = []
    for item in shown:
        words = Words.of(item.sentence)
        first, last = candidates(words)
        if len(first):
            columns = features(question, asked, words, seen[item.sentence], first, last)
            scores = SENTENCE_WEIGHT * item.score + sum(WEIGHTS[n] * columns[n] for n in WEIGHTS)
            spans = [words.text(a, b) for a, b in zip(first, last, strict=True)]
            found += zip(np.round(scores, _SCORE_DIGITS).tolist(), spans, repeat(item))
    if not found:
        return None
    best, text, item = max(found, key=lambda f: f[:2])
    return Span(text, item, 1.0 / math.fsum(math.exp(score - best) for score, _, _ in found))


def _distinct(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Keep the first of the evidence with the same sentence."""
    return list({item.sentence: item for item in reversed(evidence)}.values())[::-1]
