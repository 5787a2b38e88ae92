"""The extractive reader: the best sentences, and in them the span that fits the question."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from rag.ports import Encoder, TokenStates
from rag.text import STOPWORDS, stem, terms
from rag.types import Evidence, Span

SENTENCES = 2
MAX_WORDS = 8
MAX_SENTENCE_WORDS = 120
NEAR = 5

_SCORE_DIGITS = 4

WEIGHTS: Mapping[str, float] = {
    "sentence": 3.99,
    "one_word": -0.94,
    "fits_question": 1.59,
    "name_for_what": 1.24,
    "number_not_asked_for": 2.19,
    "comma_inside": -1.0,
    "function_words_around": 0.69,
    "ends_sentence": 1.74,
    "repeats_question": -2.65,
    "words_to_question_term": -0.2,
    "question_terms_near": 2.12,
    "like_question_word_first": -6.74,
    "like_question_first": -3.51,
    "like_sentence_middle": -8.01,
    "like_question_phrase_middle": 6.06,
    "like_question_word_last": 3.49,
}

_KINDS = (
    ("number", r"how (many|much|old|long|far|often|tall|large|big|high|deep|fast|wide|heavy)|"
               r"what (percentage|percent|number|amount|fraction|age|score|temperature)"),
    ("time", r"when|(what|which) (year|date|day|month|decade|century|time)"),
    ("name", r"who|whom|whose|where|(what|which) (\w+ )?"
             r"(city|country|state|place|town|region|continent|county|location|island)"),
    ("clause", r"why|how"),
)  # fmt: skip
_QUESTION_WORD = re.compile(r"\b(?:who|whom|whose|when|where|what|which|why|how)\b", re.IGNORECASE)
_WORD = re.compile(r"[$£€#]?\w(?:\S*[\w%])?|[$£€#]?\w%?")
_BREAK = re.compile(r"[,;:()\"“”—–]|--| - ")
_TIME_WORD = re.compile(
    r"january|february|march|april|may|june|july|august|september|october|november|december|"
    r"(mon|tues|wednes|thurs|fri|satur|sun)day"
)
_NUMBER_WORD = re.compile(
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(thir|four|fif|six|seven|eigh|"
    r"nine)teen|(twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|billion|half|"
    r"dozen|first|second|third"
)


class ExtractiveReader:
    """Ranks the spans of the best sentences by a sum of few features, see ``features``.

    The weights are those of a multinomial logistic regression over the spans of SQuADShifts
    Reddit (Miller et al., 2020), so that a span's confidence is its probability among the
    candidates. It is the same for every method that is compared.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def read(self, question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return for each set its most probable span, or None when it has no candidate."""
        shown = [_distinct(evidence)[:SENTENCES] for evidence in sets]
        texts = sorted({e.sentence for evidence in shown for e in evidence})
        asked, *tokens = self._encoder.tokens([question, *texts])
        states = dict(zip(texts, tokens, strict=True))
        return [self._best(question, asked, evidence, states) for evidence in shown]

    def _best(
        self,
        question: str,
        asked: TokenStates,
        shown: Sequence[Evidence],
        states: Mapping[str, TokenStates],
    ) -> Span | None:
        found: list[tuple[float, str, Evidence]] = []
        for item in shown:
            texts, columns = features(question, asked, item, states[item.sentence])
            scores = sum((WEIGHTS[name] * c for name, c in columns.items()), np.zeros(len(texts)))
            found += zip(scores.round(_SCORE_DIGITS).tolist(), texts, repeat(item), strict=False)
        if not found:
            return None
        best, text, item = max(found, key=lambda f: f[:2])
        return Span(text, item, 1.0 / math.fsum(math.exp(score - best) for score, _, _ in found))


def _distinct(evidence: Sequence[Evidence]) -> list[Evidence]:
    return list({item.sentence: item for item in reversed(evidence)}.values())[::-1]


def kind(question: str) -> str:
    """Return what kind of answer a question asks for: number, time, name, clause or thing."""
    lowered = question.lower()
    return next((k for k, pattern in _KINDS if re.search(rf"\b({pattern})\b", lowered)), "thing")


def features(
    question: str, asked_states: TokenStates, evidence: Evidence, states: TokenStates
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Return the candidate spans of a sentence and their features, one value per span each.

    Candidates have 1..8 words and neither begin nor end with a function word. "First", "middle"
    and "last" name the layer of the encoder at which the mean vector of a span is compared with
    that of the question word, the phrase it opens, the whole question or the whole sentence.
    """
    sentence, asked, wanted = evidence.sentence, frozenset(terms(question)), kind(question)
    words = [match.span() for match in islice(_WORD.finditer(sentence), MAX_SENTENCE_WORDS)]
    lowered = [sentence[a:b].lower() for a, b in words]
    stop = np.array([w in STOPWORDS for w in lowered], dtype=bool)
    n = len(words)
    i, j = np.nonzero(
        np.tri(n, dtype=bool).T & ~np.tri(n, k=-MAX_WORDS, dtype=bool).T & ~np.outer(stop, stop)
        & ~stop[:, None] & ~stop[None, :]
    )  # fmt: skip
    if not len(i):
        return [], {}
    number = _running([_is_number(w) for w in lowered])
    capital = _running([sentence[a].isupper() for a, _ in words])
    repeated = _running([stem(re.sub(r"['’]s$", "", w)) in asked for w in lowered])
    breaks = _running([bool(_BREAK.search(sentence[b:a])) for (_, b), (a, _) in pairwise(words)])
    length = j - i + 1
    numbers, capitals = number[j + 1] - number[i], capital[j + 1] - capital[i]
    by_number = wanted in ("number", "time")
    fits = {
        "number": numbers > 0,
        "time": numbers > 0,
        "name": (capitals > 0) & (numbers == 0),
        "clause": (capitals < length) & (numbers == 0),
        "thing": numbers == 0,
    }[wanted]
    padded = np.concatenate([[False], stop, [False]])
    before = repeated[i] - repeated[np.maximum(i - NEAR, 0)]
    after = repeated[np.minimum(j + 1 + NEAR, n)] - repeated[j + 1]
    columns = {
        "sentence": np.full(len(i), evidence.score),
        "one_word": length == 1,
        "fits_question": fits,
        "name_for_what": (capitals == length) & (numbers == 0) & (wanted == "thing"),
        "number_not_asked_for": (numbers > 0) & (not by_number),
        "comma_inside": breaks[j] - breaks[i],
        "function_words_around": padded[i].astype(int) + padded[j + 2],
        "ends_sentence": j == n - 1,
        "repeats_question": (repeated[j + 1] - repeated[i]) / length,
        "words_to_question_term": _distance(repeated, i, j),
        "question_terms_near": (before + after) / max(len(asked), 1),
        **_likeness(question, asked_states, states, words, i, j),
    }
    texts = [sentence[words[a][0] : words[b][1]] for a, b in zip(i, j, strict=True)]
    return texts, {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _running(flags: Sequence[bool]) -> NDArray[np.int64]:
    """Return running sums with a leading 0, so that [j + 1] - [i] counts within i..j."""
    return np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])


def _is_number(word: str) -> bool:
    digits = word[0].isdigit() or word[-1].isdigit()
    return digits or bool(_NUMBER_WORD.fullmatch(word) or _TIME_WORD.fullmatch(word))


def _distance(
    repeated: NDArray[np.int64], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many words lie between a span and the nearest repeated word, at most 10."""
    at = np.flatnonzero(np.diff(repeated))
    if not len(at):
        return np.full(len(i), 10)
    left = np.where(at[None, :] < i[:, None], i[:, None] - at[None, :], 10)
    right = np.where(at[None, :] > j[:, None], at[None, :] - j[:, None], 10)
    return np.asarray(np.minimum(left, right).min(axis=1), dtype=np.int64)


def _likeness(
    question: str,
    asked: TokenStates,
    tokens: TokenStates,
    words: Sequence[tuple[int, int]],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    starts, ends = np.array(words).T
    within = (tokens.offsets[:, 0] < ends[:, None]) & (tokens.offsets[:, 1] > starts[:, None])
    share = within / np.maximum(within.sum(axis=1, keepdims=True), 1)
    by_word = share @ tokens.states
    sums = np.concatenate([np.zeros_like(by_word[:, :1]), np.cumsum(by_word, axis=1)], axis=1)
    spans = _unit(sums[:, j + 1] - sums[:, i])
    match = _QUESTION_WORD.search(question)
    at = match.start() if match else 0
    place = int(np.searchsorted(asked.offsets[:, 0], at, side="right")) - 1
    place = max(place, 0)
    opening = asked.states[:, place : place + 1].mean(axis=1)
    phrase = asked.states[:, place : place + 4].mean(axis=1)
    whole = asked.states.mean(axis=1)
    return {
        "like_question_word_first": spans[0] @ _unit(opening)[0],
        "like_question_first": spans[0] @ _unit(whole)[0],
        "like_sentence_middle": spans[1] @ _unit(by_word[1].mean(axis=0)),
        "like_question_phrase_middle": spans[1] @ _unit(phrase)[1],
        "like_question_word_last": spans[2] @ _unit(opening)[2],
    }


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float64)
