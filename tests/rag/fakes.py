"""In-memory stand-ins for what chainrep supplies: a score source that learns from its sink."""

from __future__ import annotations

from collections.abc import Mapping

from rag.types import Judgement, Reliability


class MemoryLedger:
    """A ScoreSource and FeedbackSink in one: judgements count at once, a key only once."""

    def __init__(self) -> None:
        self.judgements: dict[str, Judgement] = {}

    def put(self, judgement: Judgement) -> None:
        self.judgements.setdefault(judgement.key, judgement)

    def caveat(self) -> str:
        return ""

    def reliabilities(self) -> Mapping[int, Reliability]:
        sums: dict[int, Reliability] = {}
        for j in self.judgements.values():
            r = sums.get(j.source, Reliability())
            sums[j.source] = Reliability(
                r.supported + j.supported,
                r.contradicted + j.contradicted,
                r.used + j.used,
                r.asked + j.asked,
            )
        return sums
