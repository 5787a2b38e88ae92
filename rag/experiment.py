"""The controlled experiment: sources of known honesty, questions of known answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answering import vote
from rag.dataset import Dataset
from rag.errors import PollutionError
from rag.pipeline import CANDIDATES, Pipeline
from rag.pollution import is_stated, pollute, wrong_answers
from rag.ports import Encoder, FeedbackSink, Reader, ScoreSource
from rag.scoring.metrics import exact_match, f1
from rag.source.local import Source
from rag.types import Answer, Judgement, Question, SourceAnswer

METHODS = ("weighted", "majority", "centralized")
POOL_ID = 0


@dataclass(frozen=True, slots=True)
class World:
    """Sources over polluted copies of one dataset, and what only the experimenter knows.

    ``pooled`` serves the passages of all sources, a passage they share once. ``pollution`` is
    the share of ``questions`` that each source answers wrong, by source id.
    """

    questions: tuple[Question, ...]
    sources: tuple[Source, ...]
    pooled: Source
    pollution: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the experiment: three answers, given before they were judged.

    ``answer`` is the weighted one; ``texts`` holds the answer of each of ``METHODS``.
    ``number`` counts from 1 to ``total``.
    """

    number: int
    total: int
    question: Question
    answer: Answer
    texts: Mapping[str, str]
    judgements: Sequence[Judgement]

    @property
    def exact(self) -> dict[str, bool]:
        """Whether each method's answer matches gold exactly."""
        return {m: exact_match(self.texts[m], self.question.answers) for m in METHODS}


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over the questions answered so far, by method; ``pollution`` by source id."""

    questions: int
    accuracy: Mapping[str, float]
    f1: Mapping[str, float]
    pollution: Mapping[int, float]


def build_world(
    dataset: Dataset, rates: Sequence[float], seed: int, ids: Sequence[int], questions: int
) -> World:
    """Return one source per rate; which id gets which rate is drawn by ``seed``.

    At most ``questions`` are drawn from those whose passages state the answer. Raises
    PollutionError when there is none, or a rate has no id.
    """
    if len(ids) != len(rates):
        raise PollutionError(
            f"{len(rates)} pollution rates need as many sources, not {len(ids)}.",
            "Give one rate per source.",
        )
    fit = tuple(q for q in dataset.questions if is_stated(dataset, q))
    if not fit:
        raise PollutionError(
            f"{dataset.name} has no question whose passages state its answer.",
            "Use a dataset with questions, gold answers and their passages.",
        )
    fit_dataset = replace(dataset, questions=fit)
    world = fit_dataset.sample(questions, seed)
    wrong = wrong_answers(fit_dataset, world.questions, seed)
    places = sorted(ids)
    random.Random(f"places {seed}").shuffle(places)  # noqa: S311 - repeatable, not secret
    copies = [pollute(world, wrong, rate, f"{seed}/{i}") for i, rate in enumerate(rates)]
    sources = [Source(i, copy.passages) for i, copy in zip(places, copies, strict=True)]
    pool = dict.fromkeys(passage for copy in copies for passage in copy.passages)
    truth = {
        i: len(copy.polluted) / len(world.questions) for i, copy in zip(places, copies, strict=True)
    }
    return World(
        world.questions,
        tuple(sorted(sources, key=lambda source: source.id)),
        Source(POOL_ID, tuple(pool)),
        dict(sorted(truth.items())),
    )


class Experiment:
    """Asks a world's questions one by one, judges every answer after it was given.

    The weighted answer and the equal-weight majority vote over the same isolated answers; the
    centralized answer reads one pool of all passages, with as many candidates as all sources
    together bring. Iterate over it: between two steps the caller may refresh the scores.
    """

    def __init__(
        self,
        world: World,
        encoder: Encoder,
        reader: Reader,
        scores: ScoreSource,
        sink: FeedbackSink,
        run: str | None = None,
    ) -> None:
        self._world = world
        self._pipeline = Pipeline(world.sources, encoder, reader, scores, sink, run=run)
        pool_size = CANDIDATES * len(world.sources)
        self._central = Pipeline([world.pooled], encoder, reader, candidates=pool_size)
        self._exact = dict.fromkeys(METHODS, 0)
        self._f1 = dict.fromkeys(METHODS, 0.0)
        self._answered = 0

    def __iter__(self) -> Iterator[Step]:
        """Yield a step per question, after its judgements are in the sink."""
        for number, question in enumerate(self._world.questions, start=1):
            answer = self._pipeline.ask(question.text)
            texts = {
                "weighted": answer.text,
                "majority": majority(answer),
                "centralized": self._central.ask(question.text).text,
            }
            judgements = self._pipeline.judge(answer, question.answers)
            step = Step(number, len(self._world.questions), question, answer, texts, judgements)
            self._count(step)
            yield step

    @property
    def summary(self) -> Summary:
        """What the steps so far amount to."""
        answered = max(self._answered, 1)
        return Summary(
            self._answered,
            {m: self._exact[m] / answered for m in METHODS},
            {m: self._f1[m] / answered for m in METHODS},
            self._world.pollution,
        )

    def _count(self, step: Step) -> None:
        self._answered += 1
        for method, exact in step.exact.items():
            self._exact[method] += exact
            self._f1[method] += f1(step.texts[method], step.question.answers)


def majority(answer: Answer) -> str:
    """Return what the same isolated answers say when every source weighs the same."""
    answers = [SourceAnswer(v.source, v.span) for v in answer.votes]
    return vote(answers, dict.fromkeys((a.source for a in answers), 1.0)).text
