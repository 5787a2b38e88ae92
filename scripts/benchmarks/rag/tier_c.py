"""Tier C: six live services over XQuAD with lying passages, and the reader that ships with rag.

Liars replace the answer in the passage by another one of its kind, all by the same: the hard case
for a vote. Irrelevant pollution puts a review from a shop in the passage's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from rag.dataset import Dataset
from rag.loaders import load_dataset
from rag.pollution import is_stated, lie, overlapping_groups, wrong_answers
from rag.ports import Encoder, Reader, Retriever
from rag.reranker import SentenceReranker
from rag.source.local import Source
from rag.types import Found, Passage, Question
from scripts.benchmarks.rag.federation import federation
from scripts.benchmarks.rag.rounds import Part, Round, World, topics_of
from scripts.benchmarks.rag.scenarios import Scenario

CANDIDATES = 10
QUESTIONS = 240


class LiveSources:
    """The tier; ``folder`` has qa/xquad.en.json and qa/squadshifts_amazon_reviews.json.

    Nothing is tuned on it: both parts are all of it. Each world has ``questions`` drawn ones.
    """

    name = "C"

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        reader: Reader,
        questions: int = QUESTIONS,
    ) -> None:
        loaded = load_dataset(folder / "qa" / "xquad.en.json")
        stated = tuple(q for q in loaded.questions if is_stated(loaded, q))
        self._dataset = replace(loaded, questions=stated)
        self._elsewhere = load_dataset(folder / "qa" / "squadshifts_amazon_reviews.json").passages
        self._reranker = SentenceReranker(encoder)
        self._reader = reader
        self._questions = questions

    def world(self, scenario: Scenario, seed: int, _part: Part) -> World:
        """Draw the questions and who is polluted, serve the corpora, and ask every source.

        ``centralized`` is what the same reader finds in one pool of all passages, with as many
        candidates as all sources together bring.
        """
        rng = np.random.default_rng([seed, 3])
        dataset = self._dataset.sample(self._questions, seed)
        wrong = wrong_answers(self._dataset, dataset.questions, seed)
        topics = topics_of([q.text for q in dataset.questions])
        polluted = _together(scenario.draw(topics, rng), _groups(dataset, scenario))
        corpora = [
            lie(dataset, wrong, np.flatnonzero(hit).tolist())
            if scenario.kind == "lie"
            else self._misplaced(dataset, np.flatnonzero(hit).tolist())
            for hit in polluted.T
        ]
        attacks: Sequence[tuple[str, ...]] = [()] * len(wrong)
        if scenario.kind == "lie":
            attacks = [(answer,) for answer in wrong]
        rounds = self.rounds(dataset.questions, attacks, corpora)
        return World(rounds, scenario.pollution(topics), scenario)

    def rounds(
        self,
        questions: Sequence[Question],
        attacks: Sequence[tuple[str, ...]],
        corpora: Sequence[Sequence[Passage]],
    ) -> tuple[Round, ...]:
        """Serve the corpora and ask each question of every source, and of a pool of them all."""
        pool = Source(0, tuple(dict.fromkeys(p for corpus in corpora for p in corpus)))
        rounds = []
        with TemporaryDirectory() as folder, federation(corpora, Path(folder)) as retriever:
            for question, attack in zip(questions, attacks, strict=True):
                found = search(retriever, question.text)
                pooled = pool.search(question.text, CANDIDATES * len(corpora))
                *answers, central = self._read(question.text, [*found, pooled])
                rounds.append(
                    Round(question.text, tuple(answers), central or "", question.answers, attack)
                )
        return tuple(rounds)

    def _read(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        spans = self._reader.read(question, self._reranker.rank(question, sets))
        return [span.text if span else None for span in spans]

    def _misplaced(self, dataset: Dataset, hit: Sequence[int]) -> tuple[Passage, ...]:
        passages = list(dataset.passages)
        for q in hit:
            for p in dataset.questions[q].passages:
                passages[p] = self._elsewhere[p % len(self._elsewhere)]
        return tuple(passages)


def live_sources(folder: Path) -> LiveSources:
    """Return the tier with the encoder and the reader that ship with rag."""
    from rag.encoder import MiniLMEncoder
    from rag.reader import ExtractiveReader

    return LiveSources(folder, MiniLMEncoder(), ExtractiveReader())


def search(retriever: Retriever, question: str) -> list[tuple[Passage, ...]]:
    """Return what every source found, by id; a source that is silent here is a broken bench."""
    found = retriever.search(question, retriever.ids, CANDIDATES)
    silent = [f for f in found.values() if not isinstance(f, Found) and f.reason != "found nothing"]
    if silent:
        raise RuntimeError(f"source {silent[0].source} {silent[0].reason}")
    return [f.passages if isinstance(f, Found) else () for _, f in sorted(found.items())]


def _groups(dataset: Dataset, scenario: Scenario) -> list[list[int]]:
    """Return the questions that can only be polluted together."""
    if scenario.kind == "lie":
        return overlapping_groups(dataset)
    on_passage: dict[int, list[int]] = {}
    for q, question in enumerate(dataset.questions):
        on_passage.setdefault(question.passages[0], []).append(q)
    return list(on_passage.values())


def _together(drawn: NDArray[np.bool_], groups: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    polluted = drawn.copy()
    for group in groups:
        polluted[group] = drawn[group[0]]
    return polluted
