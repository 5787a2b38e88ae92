"""What the reader is asked: questions, each with the passages that one source would return."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.dataset import Dataset
from rag.index import Bm25Index
from rag.loaders import load_dataset
from rag.text import clean
from rag.types import Passage
from scripts.training.reader.examples import squad_file

RETRIEVED = 10
_SEED = 7


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its gold answers and the passages; no answers: nothing there answers it."""

    question: str
    answers: tuple[str, ...]
    passages: tuple[Passage, ...]


def gold_paragraphs(file: Path) -> list[Case]:
    """Return every question of a dataset on its own paragraph."""
    dataset = load_dataset(file)
    return [Case(q.text, q.answers, (dataset.passages[q.passages[0]],)) for q in dataset.questions]


def wrong_paragraphs(file: Path) -> list[Case]:
    """Return every question on the paragraph that BM25 finds best without its answer."""
    dataset = load_dataset(file)
    index = Bm25Index(dataset.passages)
    return [
        Case(q.text, (), found)
        for q in dataset.questions
        if (found := _retrieved(dataset, index, q.text, 1, without=q.answers))
    ]


def retrieved(file: Path) -> list[Case]:
    """Return every question on what BM25 finds for it in the whole dataset."""
    dataset = load_dataset(file)
    index = Bm25Index(dataset.passages)
    return [
        Case(q.text, q.answers, _retrieved(dataset, index, q.text, RETRIEVED))
        for q in dataset.questions
    ]


def held_out(files: Sequence[Path], count: int) -> list[Case]:
    """Return questions that were held out of the training, on what BM25 finds in their file."""
    cases: list[Case] = []
    for file in files:
        examples = squad_file(file)
        passages = [Passage(text) for text in dict.fromkeys(clean(e.text) for e in examples)]
        index = Bm25Index(passages)
        drawn = [e for e in examples if e.held_out]
        random.Random(_SEED).shuffle(drawn)  # noqa: S311 - a repeatable draw, not a secret
        for example in drawn[: count // len(files)]:
            question = clean(example.question)
            found = tuple(passages[i] for i, _ in index.search(question, RETRIEVED))
            cases.append(Case(question, example.strings, found))
    return cases


def _retrieved(
    dataset: Dataset, index: Bm25Index, question: str, count: int, without: Sequence[str] = ()
) -> tuple[Passage, ...]:
    forbidden = [answer.lower() for answer in without]
    found = (dataset.passages[i] for i, _ in index.search(question, 10 * count))
    fit = [p for p in found if not any(a in p.text.lower() for a in forbidden)]
    return tuple(fit[:count])
