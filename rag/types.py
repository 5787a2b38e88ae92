"""The nouns of the pipeline, frozen. Reliabilities are floats in units of evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a corpus that is searched, cited and read as one."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its gold answers, and the dataset's passages known to state the answer.

    ``passages`` are positions in ``Dataset.passages``; empty means that they are not known.
    """

    text: str
    answers: tuple[str, ...] = ()
    passages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of a passage, and its score for the question at hand (higher is better)."""

    sentence: str
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Span:
    """What a reader found: a piece of a sentence, and its confidence 0..1 in it."""

    text: str
    evidence: Evidence
    confidence: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a source signed for one search; ``rag.source.receipts`` makes, checks and keeps it.

    The digests are 32 bytes: of the salted query, of the corpus as it was served, of the passages
    in their order. ``time`` is in Unix seconds. ``signature`` covers all of it, ``statement`` the
    same without the time, so that two statements that differ are a proof against who signed them.

    The last three are what it takes to show later, to anybody, what was signed; whoever asked
    fills them in: ``query`` is of ``salt``, ``k`` and the question, ``passages`` of ``signed``,
    just as they came and not yet cleaned. Packed receipts and comparisons are without them.
    """

    source: int
    query: bytes
    corpus: bytes
    passages: bytes
    time: int
    signature: bytes
    statement: bytes
    salt: bytes = field(default=b"", compare=False)
    k: int = field(default=0, compare=False)
    signed: tuple[Passage, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What one source answered to one search: passages, best first, and its receipt if it signs.

    ``seconds`` is how long the answer took, ``shortened`` how many of its passages were cut or
    left out, since no more of one answer is read (``rag.source.passage_room``).
    """

    passages: tuple[Passage, ...]
    receipt: Receipt | None = None
    seconds: float = 0.0
    shortened: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one search of a source costs: ``price`` in wei, ``seconds`` as they were of late."""

    price: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What the passages of one source, read on their own, say."""

    source: int
    span: Span


@dataclass(frozen=True, slots=True)
class Vote:
    """One source's answer, the weight it had, and whether it is part of the winning cluster.

    ``receipt`` is what the source signed for the passages it was read from, where it signs.
    ``credit`` is its part of the belief in the answer, below 0 for who spoke against it (its
    Shapley value: ``rag.credit``).
    """

    source: int
    text: str
    weight: float
    won: bool
    span: Span
    receipt: Receipt | None = None
    credit: float = 0.0


@dataclass(frozen=True, slots=True)
class Silence:
    """A source that was asked and gave no answer, and why.

    ``abstained`` tells whether its passages were read and no answer found in them.
    """

    source: int
    reason: str
    abstained: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """A passage that was kept from reader and prompt, why, and a short cleaned piece of it."""

    source: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one question: the winning text and everything it rests on.

    ``text`` is empty when no source answered. ``share`` is the winning cluster's part 0..1 of
    the whole vote, ``margin`` what it is ahead of the next one. ``votes`` and ``silent`` together
    name every source that was asked, in ascending order of their ids. ``key`` is unique within the
    pipeline's run. ``certified`` is how many sources could have lied, in any way and all together,
    and the same text would still be shown (``rag.certificate``): as things were known before the
    answer, by bounds that hold whatever discount for copies their lies bring about. ``notes`` say
    what the answer should be taken with.
    """

    question: str
    text: str
    share: float
    votes: tuple[Vote, ...]
    silent: tuple[Silence, ...]
    key: str
    margin: float = 0.0
    certified: int = 0
    screened: tuple[Screened, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[int, ...]:
        """The sources whose answers make up the winning cluster."""
        return tuple(vote.source for vote in self.votes if vote.won)

    @property
    def weights(self) -> dict[int, float]:
        """The vote weight of every source that answered."""
        return {vote.source: vote.weight for vote in self.votes}

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages that the winning answers were read from, each once."""
        return tuple(dict.fromkeys(v.span.evidence.passage for v in self.votes if v.won))


@dataclass(frozen=True, slots=True)
class Reliability:
    """What is known of one source: four sums of judgements, in units of evidence (≥ 0)."""

    supported: float = 0.0
    contradicted: float = 0.0
    used: float = 0.0
    asked: float = 0.0

    @property
    def evidence(self) -> float:
        """Judged answers: supported + contradicted."""
        return self.supported + self.contradicted

    @property
    def mean(self) -> float:
        """Mean of the Beta posterior under the uniform prior Beta(1, 1), in 0..1."""
        return (self.supported + 1.0) / (self.evidence + 2.0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement of one source on one question; the four amounts are within 0..1.

    ``key`` is the same whenever this very judgement is made again, and no other has it.
    """

    key: str
    source: int
    kind: Literal["gold", "user", "peer"]
    question: str
    supported: float
    contradicted: float
    used: float
    asked: float
