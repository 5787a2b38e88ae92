"""Which answers say the same: pairs are judged, and groups agree in every pair.

A pair is judged by its two texts and the question alone, so an answer that a liar adds can neither
part nor join two others. A group is a largest set in which every pair agrees (complete link): an
answer in between two others brings them into no common group, and adds its weight to one group at
most as far as winning is concerned. Groups may overlap. A vote of one source thus moves no group
by more than that source's weight, as in a vote over fixed candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import fsum

from rag.answer_form import Form, Words, compare, form
from rag.entailment import Entailment
from rag.ports import Encoder

SIMILAR = 0.92
"""Cosine from which answers that words leave open are the same: the lowest, in hundredths, that
joins no pair known to differ in the tuning half of `scripts/bench credit`'s pairs."""

ENTAILED = 0.5
MAX_ANSWERS = 24
"""So many different answers, the heaviest, are compared: groups may be 3^(n/3) many."""

_COSINE_DIGITS = 4


class Clustering:
    """Groups answers by words and numbers, then by embeddings, then by entailment both ways.

    Without ``encoder`` and ``entailment`` words alone decide, in well under a millisecond.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        entailment: Entailment | None = None,
        *,
        similar: float = SIMILAR,
        entailed: float = ENTAILED,
    ) -> None:
        self._encoder = encoder
        self._entailment = entailment
        self._similar = similar
        self._entailed = entailed

    def groups(
        self, question: str, answers: Sequence[str], weights: Mapping[str, float] | None = None
    ) -> tuple[frozenset[str], ...]:
        """Return every largest set of answers that all agree with one another, sorted.

        Each answer is in at least one; the order of the answers and repeats change nothing.
        ``weights`` ≥ 0 are those of the texts. Where there are more than ``MAX_ANSWERS`` different
        answers, those that are no heavier than the next one are grouped with their equals alone:
        answers without weight never part others.
        """
        forms = {text: form(text) for text in sorted(set(answers))}
        alike: dict[str, list[str]] = {}
        for text, read in forms.items():
            alike.setdefault(read.key, []).append(text)
        compared = _heaviest(alike, weights or {})
        # Texts of one key are compared once, by the alphabetically first of them.
        first = {key: alike[key][0] for key in compared}
        neighbours = self._agreements(question, first, forms)
        alone = [[key] for key in alike if key not in first]
        cliques = sorted([*(sorted(clique) for clique in _cliques(neighbours)), *alone])
        return tuple(frozenset(t for key in clique for t in alike[key]) for clique in cliques)

    def _agreements(
        self, question: str, first: Mapping[str, str], forms: Mapping[str, Form]
    ) -> dict[str, set[str]]:
        neighbours: dict[str, set[str]] = {key: set() for key in first}
        left: list[tuple[str, str]] = []
        for pair in combinations(first, 2):
            found = compare(forms[first[pair[0]]], forms[first[pair[1]]])
            if found is Words.SAME:
                _join(neighbours, pair)
            elif found is Words.OPEN:
                left.append(pair)
        texts = [(first[a], first[b]) for a, b in left]
        alike = self._resemble(texts)
        unlike = [pair for pair, same in zip(texts, alike, strict=True) if not same]
        follows = self._entail(question, unlike)
        for pair, same in zip(left, alike, strict=True):
            if same or follows.pop(0):
                _join(neighbours, pair)
        return neighbours

    def _resemble(self, pairs: Sequence[tuple[str, str]]) -> list[bool]:
        # Without the question: with it all answers to one question look alike.
        if self._encoder is None or not pairs:
            return [False] * len(pairs)
        texts = sorted({text for pair in pairs for text in pair})
        rows = dict(zip(texts, self._encoder.encode(texts), strict=True))
        return [round(float(rows[a] @ rows[b]), _COSINE_DIGITS) >= self._similar for a, b in pairs]

    def _entail(self, question: str, pairs: Sequence[tuple[str, str]]) -> list[bool]:
        """Both ways and with the question before each, as Kuhn et al. (ICLR 2023, §3.2) do."""
        if self._entailment is None or not pairs:
            return [False] * len(pairs)
        said = [(f"{question} {a}", f"{question} {b}") for a, b in pairs]
        there = self._entailment.entails(said)
        back = self._entailment.entails([(b, a) for a, b in said])
        return [min(p, q) >= self._entailed for p, q in zip(there, back, strict=True)]


def _heaviest(alike: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> list[str]:
    """Return the keys of answers to compare, sorted; of equal weights all or none."""
    if len(alike) <= MAX_ANSWERS:
        return sorted(alike)
    weight = {key: fsum(weights.get(t, 0.0) for t in texts) for key, texts in alike.items()}
    next_one = sorted(weight.values(), reverse=True)[MAX_ANSWERS]
    return sorted(key for key in alike if weight[key] > next_one)


def _join(neighbours: dict[str, set[str]], pair: tuple[str, str]) -> None:
    neighbours[pair[0]].add(pair[1])
    neighbours[pair[1]].add(pair[0])


def _cliques(neighbours: Mapping[str, set[str]]) -> list[set[str]]:
    """Return all maximal cliques, by Bron and Kerbosch's algorithm with pivoting (CACM 1973)."""
    found: list[set[str]] = []

    def extend(clique: set[str], open_: set[str], done: set[str]) -> None:
        if not open_ and not done:
            found.append(clique)
            return
        pivot = max(sorted(open_ | done), key=lambda v: len(neighbours[v] & open_))
        for v in sorted(open_ - neighbours[pivot]):
            extend(clique | {v}, open_ & neighbours[v], done & neighbours[v])
            open_ = open_ - {v}
            done = done | {v}

    if neighbours:
        extend(set(), set(neighbours), set())
    return found
