"""From a question to an answer, its sources and their weights; from a judgement to feedback."""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.answering import ClosedBook, Verdict, group_names, text_weights, vote, voting_weights
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
from rag.routing.trust_bounds import with_own
from rag.scoring.ballots import Ballot
from rag.scoring.gold_match import is_right_beside
from rag.scoring.judging import judge, judge_by_user
from rag.scoring.ledgers import OWN, LedgerEstimator
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
from rag.vetting.screen import Screen
from rag.weighing import UNKNOWN, vote_weights

CANDIDATES = 10
CLOSED_BOOK_WEIGHT = 1.0
WAITING = 1_000


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The weights of all that were asked, within their bounds, the model's word, and the groups."""

    weights: Mapping[int, float]
    least: Mapping[int, float]
    most: Mapping[int, float]
    own: ClosedBook | None
    book: tuple[float, float] | None
    groups: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A ballot that may yet be judged, what the asker's own model said, and who judged it."""

    ballot: Ballot
    own: str
    judged: set[str] = field(default_factory=set)


class Pipeline:
    """Asks sources in isolation and lets their answers vote, weighted by reliability.

    ``sources`` are in this process, or a Retriever such as RemoteRetriever. Without ``scores`` all
    sources weigh the same; without ``sink`` judgements are only returned. ``encoder`` and
    ``reader`` default to MiniLM and the reader trained on it; a ``GeneratorReader`` puts a language
    model in its place. ``router`` says whom to ask (default: everybody). ``closed_book`` is a
    model that votes too, by what it knows without passages, with ``closed_book_weight``. Sources of
    one owner in ``owners`` share a vote.

    With an ``estimator`` its evidence on the topic at hand weighs the votes, the closed-book
    model's included; ``scores`` are where it starts from. It learns from every answer, and from
    judgements of the last ``WAITING`` answers. ``save`` keeps what it and the router learned.
    ``run`` makes the keys of this pipeline's feedback unique,
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
        estimator: LedgerEstimator | None = None,
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
        self._screen = Screen()
        self._clustering = clustering or Clustering()
        self._closed_book = closed_book
        self._closed_book_weight = closed_book_weight
        self._owners = owners
        self._estimator = estimator
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._candidates = candidates
        self._run = run or secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def ask(self, question: str) -> Answer:
        """Return the answer with every vote behind it; raises PipelineError for a bad question.

        A source that fails or finds nothing is listed as silent and costs only its own vote.
        """
        question = checked_question(question)
        key = f"{self._run}/{next(self._numbers)}"
        known = self._scores.reliabilities() if self._scores else {}
        trusted = with_own(known, self._estimator.judged()) if self._estimator else known
        chosen = self._router.choose(
            key, question, self._retriever.ids, trusted, self._retriever.costs()
        )
        replies = self._retriever.search(question, chosen, self._candidates)
        found = {i: reply for i, reply in sorted(replies.items()) if isinstance(reply, Found)}
        silent = [reply for reply in replies.values() if isinstance(reply, Silence)]
        kept, screened = self._vetted(found)
        self._router.saw({i: frozenset(reply.passages) for i, reply in found.items()})
        answers, unread = self._read(question, kept)
        own = self._own(question)
        weighed = self._weigh(key, question, chosen, known, answers, unread, own)
        verdict = vote(
            answers,
            weighed.weights,
            closed_book=weighed.own,
            groups=weighed.groups,
            owners=self._owners,
        )
        return Answer(
            question,
            verdict.text,
            verdict.share,
            self._votes(answers, weighed, verdict, found),
            tuple(sorted(silent + unread, key=lambda silence: silence.source)),
            key,
            verdict.margin,
            certified(verdict, weighed.most, self._owners, least=weighed.least, book=weighed.book),
            screened,
            self._notes(key, answers, known, weighed.own) + _shortened(found),
        )

    @property
    def doubtful(self) -> bool:
        """Whether a source seems to have turned of late, so that gold is wanted."""
        return self._estimator is not None and self._estimator.doubtful

    def judge(self, answer: Answer, gold: Sequence[str]) -> list[Judgement]:
        """Judge every source of an answer against gold answers and put that into the sink."""
        waiting = self._waits(answer.key, "gold")
        if self._estimator is not None and waiting is not None:
            said = {vote.source: vote.text for vote in answer.votes}
            if OWN in waiting.ballot.answers:
                said[OWN] = waiting.own
            rivals = set(said.values())
            found = {v: is_right_beside(text, gold, rivals) for v, text in said.items()}
            right = {v: verdict for v, verdict in found.items() if verdict is not None}
            answers = {v: a for v, a in waiting.ballot.answers.items() if v in right}
            self._estimator.judge(replace(waiting.ballot, answers=answers), right)
        return self._learn(answer, judge(answer, gold))

    def judge_by_user(self, answer: Answer, right: bool) -> list[Judgement]:
        """Take a user's word on an answer: who gave it is supported or contradicted by that."""
        judgements = judge_by_user(answer, right)
        waiting = self._waits(answer.key, "user")
        if self._estimator is not None and waiting is not None:
            for j in judgements:
                if j.supported or j.contradicted:
                    topic = waiting.ballot.topic
                    self._estimator.hear(j.source, j.supported, j.contradicted, topic)
        return self._learn(answer, judgements)

    def save(self) -> None:
        """Keep what router and estimator learned, in the files they were given.

        Where one of them cannot be kept the other still is, before the error is raised.
        """
        try:
            self._router.save()
        finally:
            if self._estimator is not None:
                self._estimator.save()

    def _learn(self, answer: Answer, judgements: list[Judgement]) -> list[Judgement]:
        if self._sink is not None:
            for judgement in judgements:
                self._sink.put(judgement)
        judged = [j for j in judgements if j.supported or j.contradicted]
        gold = any(j.kind == "gold" for j in judged)
        self._router.learn(answer.key, {j.source: j.supported for j in judged}, gold=gold)
        return judgements

    def _vetted(
        self, found: Mapping[int, Found]
    ) -> tuple[dict[int, tuple[Passage, ...]], tuple[Screened, ...]]:
        each = {i: self._screen.vet(reply.passages, i) for i, reply in found.items()}
        kept = {source: vetted.kept for source, vetted in each.items()}
        return kept, tuple(s for vetted in each.values() for s in vetted.screened)

    def _read(
        self, question: str, kept: Mapping[int, Sequence[Passage]]
    ) -> tuple[list[SourceAnswer], list[Silence]]:
        answers: list[SourceAnswer] = []
        silent = [Silence(i, "all its passages were screened") for i, p in kept.items() if not p]
        shown = {source: passages for source, passages in kept.items() if passages}
        ranked = self._reranker.rank(question, list(shown.values()))
        for source, span in zip(shown, self._reader.read(question, ranked), strict=True):
            if span is None:
                silent.append(Silence(source, "no answer in its passages", abstained=True))
            else:
                answers.append(SourceAnswer(source, span))
        return answers, silent

    def _weigh(
        self,
        key: str,
        question: str,
        chosen: Sequence[int],
        known: Mapping[int, Reliability],
        answers: Sequence[SourceAnswer],
        unread: Sequence[Silence],
        own: ClosedBook | None,
    ) -> _Weighed:
        """Group the answers by weights that do not depend on what they say, then weigh them."""
        if self._estimator is None:
            plain = vote_weights(chosen, known, [a.source for a in answers])
            groups, _ = self._group(question, answers, plain, own)
            return _Weighed(plain, plain, plain, own, None, groups)
        said = {a.source: a.span.text for a in answers}
        if own is not None:
            said[OWN] = own.text
        silent = frozenset(s.source for s in unread if s.abstained)
        unheard = frozenset(chosen) - said.keys() - silent
        ballot = Ballot(said, self._estimator.topic_of(question), silent, unheard)
        self._estimator.assume(known)
        least, most = self._estimator.bounds(ballot)
        book = None
        if own is not None:
            own, book = ClosedBook(own.text, most[OWN]), (least[OWN], most[OWN])
        groups, heavy = self._group(question, answers, most, own)
        # Wordings that the vote takes for one are one here too: who copies must not evade by them.
        names = group_names(groups, heavy)
        ballot = replace(ballot, answers={v: names[text] for v, text in said.items()})
        weights = self._estimator.weights(ballot)
        self._estimator.learn(ballot)
        self._waiting[key] = _Waiting(ballot, own.text if own else "")
        if len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        if own is not None:
            own = ClosedBook(own.text, weights[OWN])
        now, low, high = ({s: w[s] for s in chosen} for w in (weights, least, most))
        return _Weighed(now, low, high, own, book, groups)

    def _waits(self, key: str, kind: str) -> _Waiting | None:
        """Return the ballot of an answer that was not judged so before."""
        waiting = self._waiting.get(key)
        if waiting is None or kind in waiting.judged:
            return None
        waiting.judged.add(kind)
        return waiting

    def _own(self, question: str) -> ClosedBook | None:
        if self._closed_book is None:
            return None
        (text,) = self._closed_book.answer(question, [()])
        return ClosedBook(text, self._closed_book_weight) if text else None

    def _group(
        self,
        question: str,
        answers: Sequence[SourceAnswer],
        weights: Mapping[int, float],
        own: ClosedBook | None,
    ) -> tuple[tuple[frozenset[str], ...], Mapping[str, float]]:
        """Return the groups of texts that agree, and the weight of each text."""
        texts = [a.span.text for a in answers] + ([own.text] if own else [])
        heavy = text_weights(answers, weights, closed_book=own, owners=self._owners)
        return self._clustering.groups(question, texts, heavy), heavy

    def _votes(
        self,
        answers: Sequence[SourceAnswer],
        weighed: _Weighed,
        verdict: Verdict,
        found: Mapping[int, Found],
    ) -> tuple[Vote, ...]:
        own = weighed.own
        voting = voting_weights(
            [a.source for a in answers], weighed.weights, self._owners, own.weight if own else 0.0
        )
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
        self,
        key: str,
        answers: Sequence[SourceAnswer],
        known: Mapping[int, Reliability],
        own: ClosedBook | None,
    ) -> tuple[str, ...]:
        notes = [self._scores.caveat()] if self._scores else []
        if not answers:
            notes.append("No source answered; the reasons are beside each.")
        elif self._estimator is not None:
            means = self._estimator.today(self._waiting[key].ballot.topic)
            if max(means.get(a.source, UNKNOWN.mean) for a in answers) < 0.5:
                alone = own is not None and OWN in means and means[OWN] > 0.5
                who = "the model's own word counts alone" if alone else "the least bad count most"
                long = self._estimator.reliabilities(self._waiting[key].ballot.topic)
                turned = any(long.get(a.source, 0.0) > 0.5 for a in answers)
                known_as = (
                    "The sources that answered were right before and erred on gold of late"
                    if turned
                    else "No source that answered has been right more often than wrong on such"
                    " questions"
                )
                notes.append(f"{known_as}: {who}.")
        elif known and all(known.get(a.source, UNKNOWN).mean <= 0.5 for a in answers):
            notes.append(
                "No source that answered has been right more often than wrong: the least bad count"
                " most."
            )
        return tuple(note for note in notes if note)


def _shortened(found: Mapping[int, Found]) -> tuple[str, ...]:
    return tuple(
        f"Source {source} sent more than is read: {reply.shortened} of its passages were cut."
        for source, reply in found.items()
        if reply.shortened
    )


def checked_question(question: str) -> str:
    """Return the question as it is asked; raises PipelineError for one that cannot be."""
    if len(question) > MAX_QUESTION_CHARS:
        raise PipelineError(
            f"The question has more than {MAX_QUESTION_CHARS:,} characters.", "Shorten it."
        )
    cleaned = clean(question)
    if not cleaned:
        raise PipelineError("The question is empty.", "Ask something.")
    return cleaned
