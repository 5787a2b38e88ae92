"""A ScoreSource with two known sources: 1 is good, 2 lies."""

from __future__ import annotations

from collections.abc import Mapping

from rag.types import Reliability

QUESTION = "When was the tower completed?"


class TwoKnown:
    def __init__(self, caveat: str = "") -> None:
        self._caveat = caveat

    def reliabilities(self) -> Mapping[int, Reliability]:
        return {1: Reliability(supported=38.0), 2: Reliability(contradicted=38.0)}

    def caveat(self) -> str:
        return self._caveat
