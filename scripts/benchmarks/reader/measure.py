"""Scores and times of a reader on cases."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.ports import Reader
from rag.reader import ExtractiveReader
from rag.reranker import SentenceReranker
from rag.scoring.metrics import auc, exact_match, f1
from rag.span_model import SpanModel
from rag.types import Evidence, Span
from scripts.benchmarks.reader.cases import Case

RESAMPLES = 2_000
TIMED = 100


class Remembering(SpanModel):
    """The shipped model, which computes the scores of a question and a context once."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, bytes], NDArray[np.float32]] = {}

    def scores(
        self, question: str, contexts: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        """Return what the model does, from memory where it can."""
        keys = [(question, context.tobytes()) for context in contexts]
        if any(key not in self._known for key in keys):
            found = super().scores(question, contexts)
            self._known.update(zip(keys, found, strict=True))
        return [self._known[key] for key in keys]


@dataclass(frozen=True, slots=True)
class Score:
    """``em`` and ``f1`` count an abstention as 0; intervals are 95 %, by bootstrap."""

    questions: int
    em: float
    f1: float
    em_interval: tuple[float, float]
    f1_interval: tuple[float, float]
    abstained: float


def rank(reranker: SentenceReranker, cases: Sequence[Case]) -> list[list[Evidence]]:
    """Return each case's sentences, best first."""
    return [reranker.rank(case.question, [case.passages])[0] for case in cases]


def read(
    reader: Reader, cases: Sequence[Case], ranked: Sequence[Sequence[Evidence]]
) -> list[Span | None]:
    """Return the spans, read one source at a time."""
    return [
        span
        for case, evidence in zip(cases, ranked, strict=True)
        for span in reader.read(case.question, [evidence])
    ]


def score(cases: Sequence[Case], spans: Sequence[Span | None], seed: int) -> dict[str, Any]:
    """Return the fields of ``Score``."""
    texts = [span.text if span else "" for span in spans]
    pairs = list(zip(texts, cases, strict=True))
    exact = np.array([exact_match(t, c.answers) for t, c in pairs], dtype=np.float64)
    overlap = np.array([f1(t, c.answers) for t, c in pairs])
    draws = np.random.default_rng(seed).integers(len(pairs), size=(RESAMPLES, len(pairs)))

    def interval(values: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
        return float(low), float(high)

    return asdict(
        Score(
            len(pairs),
            float(exact.mean()),
            float(overlap.mean()),
            interval(exact),
            interval(overlap),
            float(np.mean([span is None for span in spans])),
        )
    )


def abstention(right: Sequence[Span | None], wrong: Sequence[Span | None]) -> dict[str, float]:
    """Return how often nothing is said where an answer stands and where none does.

    ``auc`` is of the confidence, an abstention counted as 0.
    """
    return {
        "abstained_where_answered": float(np.mean([span is None for span in right])),
        "abstained_where_not": float(np.mean([span is None for span in wrong])),
        "auc": auc(_confidences(right), _confidences(wrong)),
    }


def _confidences(spans: Sequence[Span | None]) -> list[float]:
    return [span.confidence if span else 0.0 for span in spans]


def milliseconds(
    model: SpanModel, cases: Sequence[Case], ranked: Sequence[Sequence[Evidence]]
) -> dict[str, float]:
    """Return median and 95th percentile of ``TIMED`` readings."""
    reader, times = ExtractiveReader(model), []
    every = max(1, len(cases) // TIMED)
    for case, evidence in zip(cases[::every], ranked[::every], strict=True):
        began = time.perf_counter()
        reader.read(case.question, [evidence])
        times.append(1e3 * (time.perf_counter() - began))
    return {"p50": float(np.quantile(times, 0.5)), "p95": float(np.quantile(times, 0.95))}
