"""One question's answers as votes, and the port of everything that learns whom to believe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_TIE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Ballot:
    """What each voter answered to one question.

    Two answers are the same when their strings are equal: they are keys of clusters, as
    ``rag.pipeline`` makes them. ``topic`` is what evidence is kept apart by; "" is none.
    ``silent`` are the sources that were asked and whose passages hold no answer; ``unheard`` those
    that were asked and not read, for whatever reason, which says nothing of them.
    """

    answers: Mapping[int, str]
    topic: str = ""
    silent: frozenset[int] = frozenset()
    unheard: frozenset[int] = frozenset()

    @property
    def voters(self) -> tuple[int, ...]:
        """All that were asked, those who answered first."""
        return (*self.answers, *sorted(self.silent), *sorted(self.unheard))


class Estimator(Protocol):
    """Learns from ballots, some of them judged, how much each voter's vote should weigh."""

    def weights(self, ballot: Ballot) -> Mapping[int, float]:
        """Return the vote weights for this ballot; a voter that was not asked is missing."""
        ...

    def learn(self, ballot: Ballot, right: Mapping[int, bool] | None = None) -> None:
        """Take a ballot after its vote; ``right`` is what gold says of each voter, if known."""
        ...

    def reliabilities(self, topic: str = "") -> Mapping[int, float]:
        """Return an estimate of each voter's reliability; only the order has to mean something."""
        ...


def elect(answers: Mapping[int, str], weights: Mapping[int, float]) -> str:
    """Return the answer with the most weight, or "" when nobody voted.

    Weights below 0 count as 0; when none is above it, all voters count the same. A tie goes to
    the answer with more voters, then to the alphabetically first.
    """
    raw = {v: max(weights[v], 0.0) for v in answers if v in weights}
    if not any(raw.values()):
        raw = dict.fromkeys(raw or answers, 1.0)
    totals: dict[str, float] = {}
    voters: dict[str, int] = {}
    for voter, weight in raw.items():
        answer = answers[voter]
        totals[answer] = totals.get(answer, 0.0) + weight
        voters[answer] = voters.get(answer, 0) + 1
    if not totals:
        return ""
    return min(totals, key=lambda a: (-round(totals[a], _TIE_DIGITS), -voters[a], a))


def log_odds(probability: float) -> float:
    """Return ln(p / (1 - p)): the weight of an independent vote (Nitzan and Paroush, 1982)."""
    return math.log(probability / (1.0 - probability))
