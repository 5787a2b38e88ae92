"""The sources with the best record, whatever is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from rag.routing.exploration import lots, room_for_newcomers
from rag.routing.trust_bounds import UNKNOWN, is_newcomer, trust_bounds
from rag.types import Cost, Passage, Reliability


@dataclass(frozen=True, slots=True)
class BestKnownRouter:
    """Asks all sources, or ``limit`` of them by their reliability on record.

    They are ranked by the lower bound of their posterior, so that no number of fresh
    registrations pushes out who is proven. A share of the slots is drawn among the newcomers that
    are left, so that they get their chance. It learns only through the record; the same keys and
    ``seed`` draw the same.
    """

    limit: int | None = None
    seed: int = 0

    def choose(
        self,
        key: str,
        question: str,  # noqa: ARG002
        sources: Sequence[int],
        known: Mapping[int, Reliability],
        costs: Mapping[int, Cost],  # noqa: ARG002
    ) -> tuple[int, ...]:
        """Return the ids to ask, ascending; equal ranks are decided by the lower id."""
        ids = sorted(sources)
        if self.limit is None or self.limit >= len(ids):
            return tuple(ids)
        limit, draw = max(self.limit, 1), lots(self.seed, key)
        lower = dict(zip(ids, trust_bounds(ids, known).lower.tolist(), strict=True))
        ranked = sorted(ids, key=lambda i: (-lower[i], -known.get(i, UNKNOWN).mean, i))
        room = room_for_newcomers(limit, draw)
        left = ranked[limit - room :]
        newcomers = [i for i in left if is_newcomer(known.get(i, UNKNOWN))]
        drawn = draw.permutation(newcomers)[:room].tolist()
        rest = [i for i in left if i not in drawn][: room - len(drawn)]
        return tuple(sorted([*ranked[: limit - room], *drawn, *rest]))

    def learn(self, key: str, rewards: Mapping[int, float], *, gold: bool = False) -> None:
        """Learn nothing: the record does."""

    def saw(self, given: Mapping[int, Set[Passage]]) -> None:
        """Learn nothing."""

    def save(self) -> None:
        """Keep nothing: there is nothing to keep."""
