"""The sources with the best record, whatever is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from rag.routing.trust_bounds import UNKNOWN, at_most
from rag.types import Cost, Passage, Reliability


@dataclass(frozen=True, slots=True)
class BestKnownRouter:
    """Asks all sources, or the ``limit`` best by their reliability on record.

    They are ranked by the posterior's mean plus ``optimism`` standard deviations, so that little
    known sources get their chance. It learns only through the record.
    """

    limit: int | None = None
    optimism: float = 2.0

    def choose(
        self,
        key: str,  # noqa: ARG002
        question: str,  # noqa: ARG002
        sources: Sequence[int],
        known: Mapping[int, Reliability],
        costs: Mapping[int, Cost],  # noqa: ARG002
    ) -> tuple[int, ...]:
        """Return the ids to ask, ascending; equal chances are decided by the lower id."""
        ids = sorted(sources)
        if self.limit is None or self.limit >= len(ids):
            return tuple(ids)
        hopeful = sorted(ids, key=lambda i: (-at_most(known.get(i, UNKNOWN), self.optimism), i))
        return tuple(sorted(hopeful[: max(self.limit, 1)]))

    def learn(self, key: str, rewards: Mapping[int, float]) -> None:
        """Learn nothing: the record does."""

    def saw(self, given: Mapping[int, Set[Passage]]) -> None:
        """Learn nothing."""

    def save(self) -> None:
        """Keep nothing: there is nothing to keep."""
