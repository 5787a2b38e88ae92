"""Candidate spans of a sentence, and the features by which a reader ranks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from rag.ports import TokenStates
from rag.text import STOPWORDS, stem, terms

MAX_SPAN_WORDS = 8
MAX_SENTENCE_WORDS = 120
NEAR = 5
FAR = 10

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_KINDS = (
    ("count", r"how many|what (percentage|percent|number|fraction|score)"),
    ("measure", r"how (much|old|long|far|often|tall|large|big|high|deep|fast|wide|heavy)|"
                r"what (amount|age|temperature)"),
    ("time", r"when|(what|which) (year|date|day|month|decade|century|time)"),
    ("person", r"who|whom|whose"),
    ("place", r"where|(what|which) (\w+ )?"
              r"(city|country|state|place|town|region|continent|county|location|island)"),
    ("clause", r"why|how"),
)  # fmt: skip
_QUESTION_WORD = re.compile(r"\b(?:who|whom|whose|when|where|what|which|why|how)\b", re.IGNORECASE)
_WORD = re.compile(r"[$£€#]?\w(?:\S*[\w%])?|[$£€#]?\w%?")
_BREAK = re.compile(r"[,;:()\"“”—–]|--| - ")
_NUMBER = re.compile(
    r"\d.*|.*\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(thir|four|fif|six|"
    r"seven|eigh|nine)teen|(twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|"
    r"billion|half|dozen|first|second|third|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|(mon|tues|wednes|thurs|fri|satur|sun)day"
)
_PLACE_WORDS = frozenset({"in", "at", "near", "from", "to", "on", "of", "into"})
_OPENING_WORDS = frozenset({"is", "was", "are", "were", "the", "a", "an"})


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence's words as [start, end) in characters, with what is known of each."""

    sentence: str
    places: tuple[tuple[int, int], ...]
    lowered: tuple[str, ...]
    function: tuple[bool, ...]

    @classmethod
    def of(cls, sentence: str) -> Words:
        """Find the words of a sentence, at most ``MAX_SENTENCE_WORDS``."""
        found = islice(_WORD.finditer(sentence), MAX_SENTENCE_WORDS)
        places = tuple(match.span() for match in found)
        lowered = tuple(sentence[a:b].lower() for a, b in places)
        return cls(sentence, places, lowered, tuple(w in STOPWORDS for w in lowered))

    def flags(self, test: Callable[[str], object]) -> list[bool]:
        """Apply a test to every lower-case word."""
        return [bool(test(word)) for word in self.lowered]

    def text(self, first: int, last: int) -> str:
        """Return the piece of the sentence from one word to another, inclusive."""
        return self.sentence[self.places[first][0] : self.places[last][1]]


def kind(question: str) -> str:
    """Return what is asked for: count, measure, time, person, place, clause or thing."""
    lowered = question.lower()
    return next((k for k, pattern in _KINDS if re.search(rf"\b({pattern})\b", lowered)), "thing")


def candidates(words: Words) -> tuple[Ints, Ints]:
    """Return first and last word of every span of 1..8 words between two content words."""
    n = len(words.places)
    content = ~np.array(words.function, dtype=bool)
    offset = np.arange(n)[None, :] - np.arange(n)[:, None]
    allowed = (offset >= 0) & (offset < MAX_SPAN_WORDS) & content[:, None] & content[None, :]
    first, last = np.nonzero(allowed)
    return first, last


def features(
    question: str, asked: TokenStates, words: Words, seen: TokenStates, first: Ints, last: Ints
) -> dict[str, Floats]:
    """Return the features of the spans from ``first`` to ``last``, one value per span each.

    ``asked`` and ``seen`` are the tokens of the question and of the sentence.
    """
    wanted, question_terms = kind(question), frozenset(terms(question))
    number = _sums(words.flags(_NUMBER.fullmatch))
    capital = [words.sentence[a].isupper() for a, _ in words.places]
    repeated = _sums(words.flags(lambda w: stem(re.sub(r"['’]s$", "", w)) in question_terms))
    gaps = [words.sentence[b:a] for (_, b), (a, _) in pairwise(words.places)]
    broken = [bool(_BREAK.search(gap)) for gap in gaps]
    joined = [a and b and not gap for (a, b), gap in zip(pairwise(capital), broken, strict=True)]
    breaks = _sums(broken)
    length = last - first + 1

    def count(sums: Ints) -> Ints:
        return sums[last + 1] - sums[first]

    def edges(flags: Sequence[bool]) -> Ints:
        """Count the flagged words right before and right after each span."""
        padded = np.array([False, *flags, False], dtype=np.int64)
        return padded[first] + padded[last + 2]

    def after(some: frozenset[str]) -> NDArray[np.bool_]:
        return np.array([False, *(w in some for w in words.lowered)])[first]

    content = length - count(_sums(words.function))
    named = (count(_sums(capital)) >= content) & (count(number) == 0)
    cut = np.array([False, *joined, False], dtype=np.int64)
    before = repeated[first] - repeated[np.maximum(first - NEAR, 0)]
    behind = repeated[np.minimum(last + 1 + NEAR, len(words.places))] - repeated[last + 1]
    columns = {
        "one_word": length == 1,
        "number_asked": (count(number) > 0) & (wanted in ("count", "measure", "time")),
        "number_alone_asked": (count(number) >= content) & (wanted in ("count", "time")),
        "name_asked": named & (wanted in ("person", "place")),
        "name_for_what": named & (wanted == "thing"),
        "place_after_in": after(_PLACE_WORDS) & (wanted == "place"),
        "thing_after_is": after(_OPENING_WORDS) & (wanted == "thing"),
        "cuts_name": cut[first] + cut[last + 1],
        "comma_inside": breaks[last] - breaks[first],
        "function_words_around": edges(words.function),
        "ends_sentence": last == len(words.places) - 1,
        "repeats_question": count(repeated) / length,
        "words_to_question_term": _distance(np.flatnonzero(np.diff(repeated)), first, last),
        "question_terms_before": before / max(len(question_terms), 1),
        "question_terms_behind": behind / max(len(question_terms), 1),
        **_likeness(question, asked, words, seen, first, last),
    }
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _likeness(
    question: str, asked: TokenStates, words: Words, seen: TokenStates, first: Ints, last: Ints
) -> dict[str, Floats]:
    """Return cosines between mean vectors: of a span, and of what the name says at which layer."""
    starts, ends = np.array(words.places).T
    within = (seen.offsets[:, 0] < ends[:, None]) & (seen.offsets[:, 1] > starts[:, None])
    by_word = (within / np.maximum(within.sum(axis=1, keepdims=True), 1)) @ seen.states
    sums = np.concatenate([np.zeros_like(by_word[:, :1]), np.cumsum(by_word, axis=1)], axis=1)
    spans = _unit(sums[:, last + 1] - sums[:, first])
    match = _QUESTION_WORD.search(question)
    at = match.start() if match else 0
    token = max(int(np.searchsorted(asked.offsets[:, 0], at, side="right")) - 1, 0)
    word = _unit(asked.states[:, token : token + 1].sum(axis=1))
    phrase = _unit(asked.states[:, token : token + 4].sum(axis=1))
    whole = _unit(asked.states.sum(axis=1))
    return {
        "like_question_word_at_first": spans[0] @ word[0],
        "like_question_at_first": spans[0] @ whole[0],
        "like_sentence_midway": spans[1] @ _unit(sums[1, -1]),
        "like_question_phrase_midway": spans[1] @ phrase[1],
        "like_question_word_at_last": spans[2] @ word[2],
    }


def _sums(flags: Iterable[bool]) -> Ints:
    """Return running sums with a leading 0: [last + 1] - [first] counts within a span."""
    return np.cumsum([0, *flags], dtype=np.int64)


def _distance(places: Ints, first: Ints, last: Ints) -> Ints:
    """Return the words from each span to the nearest of ``places`` outside it, at most 10."""
    if not len(places):
        return np.full(len(first), FAR)
    left = np.where(places < first[:, None], first[:, None] - places, FAR)
    right = np.where(places > last[:, None], places - last[:, None], FAR)
    nearest = np.minimum(left, right).min(axis=1)
    return np.asarray(np.minimum(nearest, FAR), dtype=np.int64)


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float64)
