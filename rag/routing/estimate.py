"""What a learner expects of each source for one question, and what every learner can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.state.arrays import Arrays, Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected rewards ``mean`` (n,), and ``hopeful`` (n,): what they may well be instead.

    Sources are ordered by ``hopeful``, so that the little known get their chance; where asking
    more stops paying is decided by it too. ``new`` (n,) says of whom it learned nothing yet.
    """

    mean: Floats
    hopeful: Floats
    new: NDArray[np.bool_]


class Learner(Protocol):
    """A model of rewards given a question's features; calls come one at a time."""

    name: str

    def estimate(
        self, features: Floats, sources: Sequence[int], draw: np.random.Generator
    ) -> Estimate:
        """Return what to expect of each source; ``draw`` is the only source of chance."""
        ...

    def learn(self, features: Floats, rewards: Mapping[int, float]) -> None:
        """Take what sources were worth for a question, 0..1 each."""
        ...

    def amend(self, features: Floats, replaced: Mapping[int, tuple[float, float]]) -> None:
        """Correct what was learned for a question: (as it was given, as it should have been)."""
        ...

    def state(self) -> Arrays:
        """Return everything learned, as named arrays."""
        ...

    def restore(self, state: Arrays) -> None:
        """Take over what ``state`` returned; raises StateError if it does not fit."""
        ...
