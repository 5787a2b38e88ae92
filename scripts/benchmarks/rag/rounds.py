"""What a tier yields and every method consumes: the questions of one run, answered in isolation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scripts.benchmarks.rag.scenarios import Scenario

Part = Literal["tune", "report"]
TOPICS = ("who", "when or how many", "other")
_WHO = re.compile(r"\bwho(m|se)?\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(when|how (many|much|old|long|far|often)|(what|which) year)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Round:
    """One question: what the passages of each source, read on their own, say; None is silence.

    ``own`` is the answer of the asker's own model without passages, where the tier has one;
    ``centralized`` that from all sources' passages in one pool. ``gold`` and ``attack`` (what the
    attacker wants to be answered) are known to the experimenter.
    """

    question: str
    answers: tuple[str | None, ...]
    centralized: str
    gold: tuple[str, ...]
    attack: tuple[str, ...] = ()
    own: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """A run: rounds in their order, and the pollution rates (rounds, sources) behind them."""

    rounds: tuple[Round, ...]
    pollution: NDArray[np.float64]
    scenario: Scenario


class Tier(Protocol):
    """Where questions and the answers of sources come from."""

    @property
    def name(self) -> str:
        """A letter."""
        ...

    def world(self, scenario: Scenario, seed: int, part: Part) -> World:
        """Return one run on the questions of a part, in an order drawn by the seed."""
        ...


def topic_of(question: str) -> int:
    """Return the number in ``TOPICS`` of what is asked for: anybody can tell from the question."""
    return 0 if _WHO.search(question) else 1 if _WHEN.search(question) else 2


def topics_of(questions: Sequence[str]) -> list[int]:
    """Return ``topic_of`` each."""
    return [topic_of(q) for q in questions]
