"""From a question to an answer, its sources and their weights; from a judgement to feedback."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Hashable, Mapping, Sequence

from rag.answering import ClosedBook, Verdict, vote, voting_weights
from rag.certificate import certified
from rag.clustering import Clustering
from rag.credit.vote_game import credit, vote_game
from rag.dataset import MAX_QUESTION_CHARS
from rag.encoder import MiniLMEncoder
from rag.errors import PipelineError
from rag.ports import (
    Encoder,
    FeedbackSink,
    Generator,
    Reader,
    Retriever,
    Router,
    ScoreSource,
    Searcher,
)
from rag.reader import ExtractiveReader
from rag.reranker import SentenceReranker
from rag.routing.best_known import BestKnownRouter
from rag.scoring.judging import judge, judge_by_user
from rag.source.local_retriever import LocalRetriever
from rag.text import clean
from rag.types import (
    Answer,
    Found,
    Judgement,
    Passage,
    Reliability,
    Screened,
    Silence,
    SourceAnswer,
    Vote,
)
from rag.vetting.screen import vet
from rag.weighing import UNKNOWN, vote_weights

CANDIDATES = 10
CLOSED_BOOK_WEIGHT = 1.0


class Pipeline:
    """Asks sources in isolation and lets their answers vote, weighted by reliability.

    ``sources`` are in this process, or a Retriever such as RemoteRetriever. Without ``scores`` all
    sources weigh the same; without ``sink`` judgements are only returned. ``encoder`` and
    ``reader`` default to MiniLM and the reader trained on it; a ``GeneratorReader`` puts a language
    model in its place. ``router`` says whom to ask (default: everybody). ``closed_book`` is a
    model that votes too, by what it knows without passages, with ``closed_book_weight``. Sources of
    one owner in ``owners`` share a vote. ``run`` makes the keys of this pipeline's feedback unique,
    and defaults to a random one.
    """

    def __init__(
        self,
        sources: Sequence[Searcher] | Retriever,
        encoder: Encoder | None = None,
        reader: Reader | None = None,
        scores: ScoreSource | None = None,
        sink: FeedbackSink | None = None,
        *,
        router: Router | None = None,
        clustering: Clustering | None = None,
        closed_book: Generator | None = None,
        closed_book_weight: float = CLOSED_BOOK_WEIGHT,
        owners: Mapping[int, Hashable] | None = None,
        candidates: int = CANDIDATES,
        run: str | None = None,
    ) -> None:
        self._retriever = LocalRetriever(sources) if isinstance(sources, Sequence) else sources
        encoder = encoder or MiniLMEncoder()
        self._reranker = SentenceReranker(encoder)
        self._reader = reader or ExtractiveReader()
        self._scores = scores
        self._sink = sink
        self._router = router or BestKnownRouter()
        self._clustering = clustering or Clustering()
        self._closed_book = closed_book
        self._closed_book_weight = closed_book_weight
        self._owners = owners
        self._candidates = candidates
        self._run = run or secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def ask(self, question: str) -> Answer:
        """Return the answer with every vote behind it; raises PipelineError for a bad question.

        A source that fails or finds nothing is listed as silent and costs only its own vote.
        """
        question = _asked(question)
        key = f"{self._run}/{next(self._numbers)}"
        known = self._scores.reliabilities() if self._scores else {}
        chosen = self._router.choose(
            key, question, self._retriever.ids, known, self._retriever.costs()
        )
        replies = self._retriever.search(question, chosen, self._candidates)
        found = {i: reply for i, reply in sorted(replies.items()) if isinstance(reply, Found)}
        silent = [reply for reply in replies.values() if isinstance(reply, Silence)]
        kept, screened = _vetted(found)
        answers, unread = self._read(question, kept)
        weights = vote_weights(chosen, known)
        own = self._own(question)
        verdict = self._vote(question, answers, weights, own)
        return Answer(
            question,
            verdict.text,
            verdict.share,
            self._votes(answers, weights, verdict, own, found),
            tuple(sorted(silent + unread, key=lambda silence: silence.source)),
            key,
            verdict.margin,
            certified(verdict, weights, self._owners),
            screened,
            self._notes(answers, known) + _shortened(found),
        )

    def judge(self, answer: Answer, gold: Sequence[str]) -> list[Judgement]:
        """Judge every source of an answer against gold answers and put that into the sink."""
        return self._learn(answer, judge(answer, gold))

    def judge_by_user(self, answer: Answer, right: bool) -> list[Judgement]:
        """Take a user's word on an answer: who gave it is supported or contradicted by that."""
        return self._learn(answer, judge_by_user(answer, right))

    def _learn(self, answer: Answer, judgements: list[Judgement]) -> list[Judgement]:
        if self._sink is not None:
            for judgement in judgements:
                self._sink.put(judgement)
        judged = [j for j in judgements if j.supported or j.contradicted]
        self._router.learn(answer.key, {j.source: j.supported for j in judged})
        return judgements

    def _read(
        self, question: str, kept: Mapping[int, Sequence[Passage]]
    ) -> tuple[list[SourceAnswer], list[Silence]]:
        answers: list[SourceAnswer] = []
        silent = [Silence(i, "all its passages were screened") for i, p in kept.items() if not p]
        shown = {source: passages for source, passages in kept.items() if passages}
        ranked = self._reranker.rank(question, list(shown.values()))
        for source, span in zip(shown, self._reader.read(question, ranked), strict=True):
            if span is None:
                silent.append(Silence(source, "no answer in its passages"))
            else:
                answers.append(SourceAnswer(source, span))
        return answers, silent

    def _own(self, question: str) -> ClosedBook | None:
        if self._closed_book is None:
            return None
        (text,) = self._closed_book.answer(question, [()])
        return ClosedBook(text, self._closed_book_weight) if text else None

    def _vote(
        self,
        question: str,
        answers: Sequence[SourceAnswer],
        weights: Mapping[int, float],
        own: ClosedBook | None,
    ) -> Verdict:
        texts = [a.span.text for a in answers] + ([own.text] if own else [])
        groups = self._clustering.groups(question, texts)
        return vote(answers, weights, closed_book=own, groups=groups, owners=self._owners)

    def _votes(
        self,
        answers: Sequence[SourceAnswer],
        weights: Mapping[int, float],
        verdict: Verdict,
        own: ClosedBook | None,
        found: Mapping[int, Found],
    ) -> tuple[Vote, ...]:
        voting = voting_weights([a.source for a in answers], weights, self._owners)
        parts: Mapping[int, float] = {}
        if answers:
            parts = credit(vote_game(answers, voting, verdict, closed_book=own)).parts
        return tuple(
            Vote(
                a.source,
                a.span.text,
                voting[a.source],
                a.source in verdict.sources,
                a.span,
                found[a.source].receipt,
                parts[a.source],
            )
            for a in answers
        )

    def _notes(
        self, answers: Sequence[SourceAnswer], known: Mapping[int, Reliability]
    ) -> tuple[str, ...]:
        notes = [self._scores.caveat()] if self._scores else []
        if not answers:
            notes.append("No source answered; the reasons are beside each.")
        elif known and all(known.get(a.source, UNKNOWN).mean <= 0.5 for a in answers):
            notes.append(
                "No source that answered has been right more often than wrong: all count the same."
            )
        return tuple(note for note in notes if note)


def _vetted(
    found: Mapping[int, Found],
) -> tuple[dict[int, tuple[Passage, ...]], tuple[Screened, ...]]:
    kept: dict[int, tuple[Passage, ...]] = {}
    screened: list[Screened] = []
    for source, reply in found.items():
        vetted = vet(reply.passages, source)
        kept[source] = vetted.kept
        screened += vetted.screened
    return kept, tuple(screened)


def _shortened(found: Mapping[int, Found]) -> tuple[str, ...]:
    return tuple(
        f"Source {source} sent more than is read: {reply.shortened} of its passages were cut."
        for source, reply in found.items()
        if reply.shortened
    )


def _asked(question: str) -> str:
    if len(question) > MAX_QUESTION_CHARS:
        raise PipelineError(
            f"The question has more than {MAX_QUESTION_CHARS:,} characters.", "Shorten it."
        )
    cleaned = clean(question)
    if not cleaned:
        raise PipelineError("The question is empty.", "Ask something.")
    return cleaned
