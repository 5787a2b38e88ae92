"""Corpora made wrong on purpose, by a seed, so that the truth about each source is known."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.dataset import Dataset
from rag.errors import PollutionError
from rag.text import normalised
from rag.types import Passage, Question

CLOSEST = 12
"""How many same-type answers of the most similar length one is drawn from."""

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_NUMBER_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million billion half dozen first second third fourth fifth".split()
)


_WHO = re.compile(r"\b(who|whom|whose)\b")
_WHERE = re.compile(r"\b(where|(what|which|whose) (\w+ )?(city|country|state|place|town|river))\b")


@dataclass(frozen=True, slots=True)
class PollutedCopy:
    """The passages of a dataset after pollution, and the positions of the questions it hit."""

    passages: tuple[Passage, ...]
    polluted: frozenset[int]


def mentions(question: Question, text: str) -> list[tuple[int, int]]:
    """Return where a text states a gold answer of the question: merged [start, end), ascending."""
    found = (m.span() for answer in question.answers for m in _mention(answer).finditer(text))
    return _merged(found)


def is_stated(dataset: Dataset, question: Question) -> bool:
    """Tell whether one of the question's own passages states one of its gold answers."""
    return any(mentions(question, dataset.passages[p].text) for p in question.passages)


def wrong_answers(dataset: Dataset, questions: Sequence[Question], seed: int) -> tuple[str, ...]:
    """Return for each of ``questions`` the one wrong answer that all polluted copies will give.

    It is the gold answer of another of the dataset's questions, of the same type (year, date,
    number, person, place, name, other) and of similar length and shape, and foreign to all
    questions on the same passages. All copies tell the same lie: liars who agree are the hard
    case for a vote. Raises PollutionError when a question has no candidate.
    """
    rng = random.Random(f"wrong answers {seed}")  # noqa: S311 - repeatable, not secret
    pool: dict[str, dict[str, None]] = {}
    on_passage: dict[int, dict[str, None]] = {}
    for question in dataset.questions:
        for answer in question.answers[:1]:
            pool.setdefault(answer_type(question.text, answer), {})[answer] = None
    for question in questions:
        for p in question.passages:
            on_passage.setdefault(p, {}).update(dict.fromkeys(question.answers))
    everything = [answer for answers in pool.values() for answer in answers]
    chosen = []
    for question in questions:
        gold = question.answers[0] if question.answers else ""
        near = list(dict.fromkeys(a for p in question.passages for a in on_passage[p]))
        same_type = list(pool.get(answer_type(question.text, gold), ()))
        candidates = _unlike(same_type, near) or _unlike(everything, near)
        if not candidates:
            raise PollutionError(
                f"There is no wrong answer to put in place of {gold!r}.",
                "Use a dataset with more questions of different answers.",
            )
        rng.shuffle(candidates)
        candidates.sort(key=lambda c: _distance(c, gold))
        chosen.append(rng.choice(candidates[:CLOSEST]))
    return tuple(chosen)


def pollute(dataset: Dataset, wrong: Sequence[str], rate: float, seed: int | str) -> PollutedCopy:
    """Return a copy of the passages in which round(rate × questions) questions are answered wrong.

    In the passages of a question that was hit every mention of its gold answers is replaced by
    ``wrong`` at word borders; the passages of the others still state theirs. Questions whose
    mentions overlap in a passage are hit together or not at all; should no union of such groups
    have the wanted size, the next smaller one is taken. Raises PollutionError for a rate outside
    0..1 and for a question that its passages do not answer.
    """
    if not 0.0 <= rate <= 1.0:
        raise PollutionError(f"A pollution rate of {rate} is out of range.", "Use 0.0 to 1.0.")
    rng = random.Random(f"polluted questions {seed}")  # noqa: S311 - repeatable, not secret
    groups = overlapping_groups(dataset)
    rng.shuffle(groups)
    hit = _fill(groups, round(rate * len(dataset.questions)))
    return PollutedCopy(lie(dataset, wrong, hit), frozenset(hit))


def lie(dataset: Dataset, wrong: Sequence[str], hit: Iterable[int]) -> tuple[Passage, ...]:
    """Return the passages with each answer to the questions at the positions ``hit`` replaced.

    Questions whose answers overlap (``overlapping_groups``) have to be hit together: what is
    written in place of one would else answer the other. ``wrong`` is parallel to the questions.
    """
    passages = list(dataset.passages)
    by_passage: dict[int, list[int]] = {}
    for q in sorted(hit):
        for p in dataset.questions[q].passages:
            by_passage.setdefault(p, []).append(q)
    for p, questions in by_passage.items():
        lies = [(dataset.questions[q], wrong[q]) for q in questions]
        passages[p] = Passage(_replaced(passages[p].text, lies), passages[p].title)
    return tuple(passages)


def answer_type(question: str, answer: str) -> str:
    """Return the type of an answer: year, date, number, person, place, name or other."""
    words = re.findall(r"[^\W_]+", answer.lower())
    asked = question.lower()
    if re.fullmatch(r"(1\d|20)\d\d", answer.strip()):
        return "year"
    if any(month in words for month in _MONTHS) and any(w.isdigit() for w in words):
        return "date"
    if any(w[0].isdigit() or w in _NUMBER_WORDS for w in words):
        return "number"
    if not answer[:1].isupper():
        return "other"
    if _WHO.search(asked):
        return "person"
    return "place" if _WHERE.search(asked) else "name"


def _mention(answer: str) -> re.Pattern[str]:
    # A digit next to the answer, even across a decimal point, makes it another number.
    before = r"(?<!\w)(?<!\d[.,])" if answer[:1].isdigit() else r"(?<!\w)"
    after = r"(?!\w)(?![.,]\d)" if answer[-1:].isdigit() else r"(?!\w)"
    return re.compile(before + re.escape(answer) + after, re.IGNORECASE)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _unlike(candidates: Iterable[str], golds: Sequence[str]) -> list[str]:
    """Keep the candidates that cannot complete a gold answer where they are put.

    Without a gold answer's first or last word in it, a candidate can neither contain that
    answer nor form it together with its neighbours, unless it is itself a piece of it.
    """
    kept = []
    gold_words = [re.findall(r"\w+", gold.lower()) for gold in golds]
    for candidate in candidates:
        words = re.findall(r"\w+", candidate.lower())
        if all(g and g[0] not in words and g[-1] not in words for g in gold_words) and not any(
            normalised(candidate) in normalised(gold) for gold in golds
        ):
            kept.append(candidate)
    return kept


def _distance(candidate: str, gold: str) -> tuple[bool, int, int]:
    def shape(text: str) -> str:
        return re.sub(r"\d", "9", re.sub(r"[^\W\d]+", "a", text))

    words = abs(len(candidate.split()) - len(gold.split()))
    return shape(candidate) != shape(gold), words, abs(len(candidate) - len(gold))


def overlapping_groups(dataset: Dataset) -> list[list[int]]:
    """Return the questions in groups linked by overlapping mentions in a shared passage.

    Raises PollutionError for a question whose passages do not state its answer.
    """
    parent = list(range(len(dataset.questions)))

    def root(q: int) -> int:
        while parent[q] != q:
            q = parent[q] = parent[parent[q]]
        return q

    spans: dict[int, list[tuple[int, int, int]]] = {}
    for q, question in enumerate(dataset.questions):
        if not is_stated(dataset, question):
            raise PollutionError(
                f"No passage known for {question.text!r} states its answer.",
                "Leave such questions out before polluting a dataset.",
            )
        for p in question.passages:
            found = mentions(question, dataset.passages[p].text)
            spans.setdefault(p, []).extend((start, end, q) for start, end in found)
    for claimed in spans.values():
        reach, holder = -1, -1
        for start, end, q in sorted(claimed):
            if start < reach:
                parent[root(q)] = root(holder)
            if end > reach:
                reach, holder = end, q
    groups: dict[int, list[int]] = {}
    for q in range(len(parent)):
        groups.setdefault(root(q), []).append(q)
    return list(groups.values())


def _fill(groups: Sequence[list[int]], wanted: int) -> set[int]:
    """Take groups in order, each one that still lets the total reach ``wanted`` exactly.

    Bit n of ``reachable[i]`` tells whether groups i, i+1, … have a union of n questions.
    """
    reachable = [1]
    for group in reversed(groups):
        reachable.append(reachable[-1] | reachable[-1] << len(group))
    reachable.reverse()
    while not reachable[0] >> wanted & 1:
        wanted -= 1
    hit: set[int] = set()
    for i, group in enumerate(groups):
        left = wanted - len(hit) - len(group)
        if left >= 0 and reachable[i + 1] >> left & 1:
            hit.update(group)
    return hit


def _replaced(text: str, lies: Sequence[tuple[Question, str]]) -> str:
    spans = [(*span, wrong) for question, wrong in lies for span in mentions(question, text)]
    pieces: list[str] = []
    end_of_last = 0
    for start, end in _merged((s, e) for s, e, _ in spans):
        within = [(s - e, wrong) for s, e, wrong in spans if start <= s and e <= end]
        wrong = min(within)[1]
        at_sentence_start = not text[:start].strip() or text[:start].rstrip()[-1] in ".!?"
        pieces += [text[end_of_last:start], wrong[:1].upper() if at_sentence_start else wrong[:1]]
        pieces.append(wrong[1:])
        end_of_last = end
    return "".join(pieces) + text[end_of_last:]
