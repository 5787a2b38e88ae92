"""What the pipeline itself costs: the time of an answer beyond its sources and its models."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rag.encoder import MiniLMEncoder
from rag.loaders import load_dataset
from rag.pipeline import Pipeline
from rag.pollution import is_stated, lie, wrong_answers
from rag.reader import ExtractiveReader
from rag.routing.choice import router_named
from rag.scoring.ledgers import LedgerEstimator
from rag.scoring.topics import QuestionTopics
from scripts.benchmarks.rag.federation import federation
from scripts.benchmarks.rag.scenarios import SYMMETRIC

ROUTERS = ("best-known", "neighbours")
Clocks = NDArray[np.float64]
LIMIT = 6
WARM_UP = 10


def now() -> Clocks:
    """Return the seconds on the wall and of this thread's processor time."""
    return np.array([time.perf_counter(), time.thread_time()])


@dataclass(slots=True)
class Watch:
    """Adds up the seconds within its own blocks; of one within another only the outer counts."""

    seconds: Clocks = field(default_factory=lambda: np.zeros(2))
    _inside: bool = field(default=False, repr=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside."""
        if self._inside:
            yield
            return
        self._inside, began = True, now()
        try:
            yield
        finally:
            self._inside = False
            self.seconds = self.seconds + now() - began


class Timed:
    """Stands for a part of the pipeline, and counts what its methods take."""

    def __init__(self, inner: object, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        """Return the part's own attribute, a method as one that counts."""
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def counted(*given: Any, **named: Any) -> Any:
            with self._watch.running():
                return found(*given, **named)

        return counted


def overhead(data: Path, questions: int, seed: int = 0) -> dict[str, Any]:
    """Ask questions of XQuAD of six live services and time the answers, per router.

    Overhead is an answer's wall time less its search, embeddings and reading: router,
    screen, ranking, groups, vote, credit, certificate and ledgers. The first ``WARM_UP`` questions
    are not counted.
    """
    loaded = load_dataset(data / "qa" / "xquad.en.json")
    fit = replace(loaded, questions=tuple(q for q in loaded.questions if is_stated(loaded, q)))
    dataset = fit.sample(questions + WARM_UP, seed)
    wrong = wrong_answers(fit, dataset.questions, seed)
    rng = np.random.default_rng([seed, 5])
    drawn = rng.random((len(dataset.questions), len(SYMMETRIC))) < np.array(SYMMETRIC)
    corpora = [lie(dataset, wrong, np.flatnonzero(hit).tolist()) for hit in drawn.T]
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder, federation(corpora, Path(folder)) as retriever:
        for name in ROUTERS:
            watch = Watch()
            encoder: Any = Timed(MiniLMEncoder(), watch)
            timed: Any = Timed(retriever, watch)
            pipeline = Pipeline(
                timed,
                encoder,
                cast(Any, Timed(ExtractiveReader(), watch)),
                router=router_named(name, encoder, LIMIT, Path(folder)),
                estimator=LedgerEstimator(topics=QuestionTopics(encoder)),
            )
            found[name] = _timed(pipeline, [q.text for q in dataset.questions], watch)
    return found


def _timed(pipeline: Pipeline, questions: Sequence[str], watch: Watch) -> dict[str, float]:
    whole, beyond = [], []
    for question in questions:
        parts, began = watch.seconds, now()
        pipeline.ask(question)
        whole.append(now() - began)
        beyond.append(whole[-1] - (watch.seconds - parts))
    wall, own = np.array(beyond[WARM_UP:]).T * 1_000
    latency = np.array(whole[WARM_UP:])[:, 0] * 1_000
    rows = {"latency": latency, "overhead": wall, "overhead_cpu": own}
    return {
        f"{label}_p{percent}_ms": round(float(np.percentile(each, percent)), 2)
        for label, each in rows.items()
        for percent in (50, 95)
    }
