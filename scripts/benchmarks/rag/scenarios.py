"""Who lies when: the eight worlds every method is put into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

HONEST, POLLUTED = 0, 1
GOOD, BAD = 0.2, 0.8
"""Pollution up to which a source is plainly good, and from which it is plainly bad."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Pollution rates 0..1 by source, and how they depend on time and topic.

    ``later`` are the rates from the middle of the questions on. ``special`` names, per source, the
    number of the topic on which ``rates`` holds for it; on any other its rate is ``elsewhere``.
    ``kind`` is what polluted passages do; ``colluders`` are the sources that lie with one voice,
    word for word.
    """

    name: str
    rates: tuple[float, ...]
    later: tuple[float, ...] | None = None
    special: tuple[int, ...] | None = None
    elsewhere: float = 0.8
    kind: Literal["lie", "irrelevant"] = "lie"
    colluders: frozenset[int] = frozenset()

    def pollution(self, topics: Sequence[int]) -> NDArray[np.float64]:
        """Return the rates (questions, sources) for questions on these topics, in their order."""
        found = np.tile(np.array(self.rates), (len(topics), 1))
        if self.later is not None:
            found[len(topics) // 2 :] = self.later
        if self.special is not None:
            away = np.array(topics)[:, None] != np.array(self.special)[None, :]
            found[away] = self.elsewhere
        return found

    def draw(self, topics: Sequence[int], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which sources are polluted for which question (questions, sources)."""
        rates = self.pollution(topics)
        return rng.random(rates.shape) < rates


SYMMETRIC = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SCENARIOS = {
    s.name: s
    for s in (
        Scenario("S1", SYMMETRIC),
        Scenario("S2", (0.0, 0.0, 0.2, 0.4, 0.6, 0.8)),
        Scenario("S3", (0.1,) * 3 + (0.9,) * 6),
        Scenario("S3_majority", (0.1,) * 6 + (0.9,) * 3),
        Scenario("S4", (0.0, 0.1, 0.2) + (1.0,) * 4, colluders=frozenset({3, 4, 5, 6})),
        Scenario("S5", (0.0, 0.0, 0.2, 0.4, 0.6, 0.8), later=(1.0, 0.0, 0.2, 0.4, 0.6, 0.8)),
        Scenario("S6", SYMMETRIC, kind="irrelevant"),
        Scenario("S7", (0.1,) * 6, special=(0, 0, 1, 1, 2, 2)),
        Scenario(
            "S8",
            (0.0, 0.1, 0.2) + (0.0,) * 4,
            later=(0.0, 0.1, 0.2) + (1.0,) * 4,
            colluders=frozenset({3, 4, 5, 6}),
        ),
    )
}
"""``S3`` is the honest minority; ``S3_majority`` has the same rates the other way round. In ``S8``
sleepers are the majority: honest until the middle, then liars with one voice."""
