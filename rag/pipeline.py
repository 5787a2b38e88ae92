"""From a question to an answer, its sources and their weights; from a judgement to feedback."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Mapping, Sequence

from rag.answering import vote
from rag.dataset import MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS
from rag.encoder import MiniLMEncoder
from rag.errors import PipelineError, SourceError
from rag.ports import Encoder, FeedbackSink, Reader, ScoreSource, Searcher
from rag.reader import ExtractiveReader
from rag.reranker import SentenceReranker
from rag.router import Router
from rag.scoring import judge
from rag.text import clean
from rag.types import Answer, Judgement, Passage, Reliability, Silence, SourceAnswer, Vote

CANDIDATES = 10
MAX_SOURCE_ID = 2**32 - 1

logger = logging.getLogger(__name__)


class Pipeline:
    """Asks sources in isolation and lets their answers vote, weighted by reliability.

    Without ``scores`` all sources weigh the same; without ``sink`` judgements are only
    returned. ``encoder`` and ``reader`` default to MiniLM and the extractive reader; every
    source is asked for ``candidates`` passages. ``run`` makes the keys of this pipeline's
    feedback unique, and defaults to a random one.
    """

    def __init__(
        self,
        sources: Sequence[Searcher],
        encoder: Encoder | None = None,
        reader: Reader | None = None,
        scores: ScoreSource | None = None,
        sink: FeedbackSink | None = None,
        *,
        router: Router | None = None,
        candidates: int = CANDIDATES,
        run: str | None = None,
    ) -> None:
        self._sources = _by_id(sources)
        encoder = encoder or MiniLMEncoder()
        self._reranker = SentenceReranker(encoder)
        self._reader = reader or ExtractiveReader(encoder)
        self._scores = scores
        self._sink = sink
        self._router = router or Router()
        self._candidates = candidates
        self._run = run or secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def ask(self, question: str) -> Answer:
        """Return the answer with every vote behind it; raises PipelineError for a bad question.

        A source that fails or finds nothing is listed as silent and costs only its own vote.
        """
        question = _asked(question)
        known = self._scores.reliabilities() if self._scores else {}
        chosen = self._router.choose(self._sources, known)
        found, silent = self._search(question, chosen)
        answers, unread = self._read(question, found)
        return self._answer(question, answers, sorted(silent + unread, key=_source), known)

    def judge(self, answer: Answer, gold: Sequence[str]) -> list[Judgement]:
        """Judge every source of an answer against gold answers and put that into the sink."""
        judgements = judge(answer, gold)
        if self._sink is not None:
            for judgement in judgements:
                self._sink.put(judgement)
        return judgements

    def _search(
        self, question: str, chosen: Sequence[int]
    ) -> tuple[dict[int, list[Passage]], list[Silence]]:
        found: dict[int, list[Passage]] = {}
        silent: list[Silence] = []
        for source in chosen:
            try:
                passages = _checked(self._sources[source].search(question, self._candidates))
            except Exception as error:  # noqa: BLE001 - a source is a stranger's code
                logger.warning("source %d did not answer: %r", source, error)
                silent.append(Silence(source, f"failed: {type(error).__name__}"))
                continue
            if passages:
                found[source] = passages[: self._candidates]
            else:
                silent.append(Silence(source, "found nothing"))
        return found, silent

    def _read(
        self, question: str, found: Mapping[int, list[Passage]]
    ) -> tuple[list[SourceAnswer], list[Silence]]:
        answers: list[SourceAnswer] = []
        silent: list[Silence] = []
        ranked = self._reranker.rank(question, list(found.values()))
        for source, span in zip(found, self._reader.read(question, ranked), strict=True):
            if span is None:
                silent.append(Silence(source, "no answer in its passages"))
            else:
                answers.append(SourceAnswer(source, span))
        return answers, silent

    def _answer(
        self,
        question: str,
        answers: Sequence[SourceAnswer],
        silent: Sequence[Silence],
        known: Mapping[int, Reliability],
    ) -> Answer:
        weights = self._router.weights([a.source for a in answers], known)
        verdict = vote(answers, weights)
        votes = tuple(
            Vote(a.source, a.span.text, weights[a.source], a.source in verdict.sources, a.span)
            for a in answers
        )
        key = f"{self._run}/{next(self._numbers)}"
        return Answer(question, verdict.text, verdict.share, votes, tuple(silent), key)


def _by_id(sources: Sequence[Searcher]) -> dict[int, Searcher]:
    by_id = {source.id: source for source in sources}
    if not by_id:
        raise PipelineError("A pipeline needs at least one source.", "Pass it a Source.")
    if len(by_id) < len(sources):
        raise PipelineError("Two sources have the same id.", "Give each its registered id.")
    if not all(isinstance(i, int) and 0 <= i <= MAX_SOURCE_ID for i in by_id):
        raise PipelineError("A source id is not a uint32.", "Give each its registered id.")
    return by_id


def _asked(question: str) -> str:
    if len(question) > MAX_QUESTION_CHARS:
        raise PipelineError(
            f"The question has more than {MAX_QUESTION_CHARS:,} characters.", "Shorten it."
        )
    cleaned = clean(question)
    if not cleaned:
        raise PipelineError("The question is empty.", "Ask something.")
    return cleaned


def _checked(passages: object) -> list[Passage]:
    """Return what a source sent as clean passages of bounded length; raises SourceError."""
    if not isinstance(passages, Sequence) or isinstance(passages, str | bytes):
        raise SourceError("A source sent something that is not a list of passages.")
    checked = []
    for passage in passages[:1000]:
        if not isinstance(passage, Passage) or not isinstance(passage.text, str):
            raise SourceError("A source sent something that is not a passage.")
        text = clean(passage.text[:MAX_PASSAGE_CHARS])
        if text:
            checked.append(Passage(text, clean(str(passage.title)[:MAX_QUESTION_CHARS])))
    return checked


def _source(silence: Silence) -> int:
    return silence.source
