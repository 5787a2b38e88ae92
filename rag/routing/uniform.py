"""Sources drawn by lot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from rag.routing.exploration import lots
from rag.types import Cost, Passage, Reliability


class UniformRouter:
    """Draws ``limit`` sources evenly; the same key and seed draw the same ones."""

    def __init__(self, limit: int, seed: int = 0) -> None:
        self._limit = max(limit, 1)
        self._seed = seed

    def choose(
        self,
        key: str,
        question: str,  # noqa: ARG002
        sources: Sequence[int],
        known: Mapping[int, Reliability],  # noqa: ARG002
        costs: Mapping[int, Cost],  # noqa: ARG002
    ) -> tuple[int, ...]:
        """Return the ids to ask, ascending."""
        ids = sorted(sources)
        draw = lots(self._seed, key)
        drawn = draw.choice(len(ids), size=min(self._limit, len(ids)), replace=False)
        return tuple(sorted(ids[int(n)] for n in drawn))

    def learn(self, key: str, rewards: Mapping[int, float], *, gold: bool = False) -> None:
        """Learn nothing."""

    def saw(self, given: Mapping[int, Set[Passage]]) -> None:
        """Learn nothing."""

    def save(self) -> None:
        """Keep nothing: there is nothing to keep."""
