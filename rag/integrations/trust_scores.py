"""Reranking what another retriever found by how reliable its sources are known to be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import PipelineError
from rag.types import Reliability

SOURCE_KEY = "source_id"
SCORE_KEY = "relevance_score"
RANK_SCALE = 10.0
"""At this rank (0 is the first) a document without a score has half the odds of the first."""

MAX_SOURCE_ID = 2**32 - 1
_EDGE = 0.01
_UNKNOWN = Reliability()

Squash = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class TrustRule:
    """How relevance and reliability become one score, and what goes.

    The score is log-odds(relevance) + ``weight`` × log-odds(reliability). Reliability is the mean
    of the Beta posterior, so a document of an unknown source keeps what its relevance alone is
    worth. ``squash`` turns the retriever's own score into a relevance within 0..1, and looks at
    no other document: two documents never change places because of a third. Documents of sources
    with a reliability below ``floor`` go, those of unknown ones (½) too where it is above that,
    and all but the best ``per_source`` of a source.
    """

    weight: float = 1.0
    floor: float = 0.0
    per_source: int | None = None
    squash: Squash | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0.0 <= self.floor <= 1.0):
            raise PipelineError(
                "The weight is not finite, or the floor not within 0..1.", "Correct them."
            )
        if self.per_source is not None and self.per_source < 1:
            raise PipelineError("per_source is below 1.", "Leave it out, or allow at least 1.")


@dataclass(frozen=True, slots=True)
class Trusted:
    """A document that stays: its position in what was given, and what it was ranked by."""

    position: int
    source: int | None
    score: float
    reliability: Reliability

    @property
    def metadata(self) -> dict[str, float]:
        """What the document's metadata gains."""
        return {
            "trust_score": self.score,
            "reliability": self.reliability.mean,
            "reliability_evidence": self.reliability.evidence,
        }


@dataclass(frozen=True, slots=True)
class Ranking:
    """The documents that stay, best first, and how many went below the floor, by source.

    ``nameless`` is how many more of those named no source that could exist.
    """

    kept: tuple[Trusted, ...]
    below_floor: Mapping[int, int]
    nameless: int = 0


def reported(ranking: Ranking, caveat: str) -> dict[str, Any]:
    """Return what every document's metadata gains besides: what went, and the scores' caveat."""
    went: dict[str, Any] = {}
    if ranking.below_floor:
        went["below_floor"] = dict(ranking.below_floor)
    if ranking.nameless:
        went["nameless_below_floor"] = ranking.nameless
    return went | ({"reliability_note": caveat} if caveat else {})


def unit(score: float) -> float:
    """A relevance that is within 0..1 as it is, such as a cosine; below 0 counts as 0."""
    if not -1.0 <= score <= 1.0:
        raise PipelineError(
            f"The retriever's score {score:.4g} is not within -1..1.",
            "Say how it is meant: squash=positive (BM25, RRF) or squash=logistic (logits).",
        )
    return max(score, 0.0)


def positive(score: float) -> float:
    """A relevance from a score ≥ 0 without an upper bound, such as BM25: s / (1 + s)."""
    return max(score, 0.0) / (1.0 + max(score, 0.0))


def logistic(score: float) -> float:
    """A relevance from a logit, such as a cross-encoder's: 1 / (1 + exp(-s))."""
    return 0.5 * (1.0 + math.tanh(0.5 * score))


def rank_by_trust(
    found: Sequence[tuple[Any, float | None]],
    known: Mapping[int, Reliability],
    rule: TrustRule,
) -> Ranking:
    """Rank (source id, retriever's score) pairs, given in the retriever's own order.

    Anything but a uint32, or digits that state one, counts as a source that nothing is known of,
    as a new one does, and passes no floor that a new one would not pass. A document without a
    score gets odds of 1 / (1 + rank / ``RANK_SCALE``). Equal scores keep their order. Raises
    PipelineError for a score that is not finite or not what ``rule.squash`` takes.
    """
    ranked = []
    below: Counter[int] = Counter()
    nameless = 0
    for position, (named, score) in enumerate(found):
        source = _source(named)
        reliability = _UNKNOWN if source is None else known.get(source, _UNKNOWN)
        if reliability.mean < rule.floor:
            if source is None:
                nameless += 1
            else:
                below[source] += 1
            continue
        trust = _relevance(score, position, rule.squash or unit)
        trust += rule.weight * _log_odds(reliability.mean)
        ranked.append(Trusted(position, source, trust, reliability))
    ranked.sort(key=lambda item: -item.score)
    return Ranking(tuple(_few(ranked, rule.per_source)), dict(sorted(below.items())), nameless)


def _relevance(score: float | None, rank: int, squash: Squash) -> float:
    if score is None:
        return -math.log1p(rank / RANK_SCALE)
    if not math.isfinite(score):
        raise PipelineError("A retriever's score is not finite.", "Correct the retriever.")
    return _log_odds(squash(score))


def _log_odds(share: float) -> float:
    bounded = min(max(share, _EDGE), 1.0 - _EDGE)
    return math.log(bounded / (1.0 - bounded))


def _few(ranked: Sequence[Trusted], most: int | None) -> list[Trusted]:
    if most is None:
        return list(ranked)
    seen: Counter[int] = Counter()
    kept = []
    for item in ranked:
        # Documents of unknown sources may be of many: they are not counted together.
        if item.source is None or seen[item.source] < most:
            kept.append(item)
        if item.source is not None:
            seen[item.source] += 1
    return kept


def _source(named: Any) -> int | None:
    if isinstance(named, str) and named.isascii() and named.isdigit() and len(named) <= 10:
        named = int(named)
    if isinstance(named, bool) or not isinstance(named, int) or not 0 <= named <= MAX_SOURCE_ID:
        return None
    return named
