"""Thompson sampling: each source is as good as a draw from what is believed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rag.routing.columns import Columns
from rag.routing.estimate import Estimate
from rag.routing.linucb import LinUcbLearner
from rag.state.arrays import Arrays, Floats, taken


class LinearThompsonLearner(LinUcbLearner):
    """LinUCB's model with draws for bounds (Agrawal & Goyal, ICML 2013).

    A draw of theta changes x theta by a normal deviate times sqrt(x A⁻¹ x): that is drawn.
    """

    name = "linear-thompson"

    def _hopeful(self, mean: Floats, error: Floats, draw: np.random.Generator) -> Floats:
        return np.asarray(mean + self._setting.hope * error * draw.standard_normal(len(mean)))


class BetaThompsonLearner:
    """One Beta posterior per source, whatever is asked; a reward counts as a part of a success.

    ``discount`` fades a source's evidence with every choice that it was part of.
    """

    name = "beta-thompson"

    def __init__(self, discount: float = 0.999) -> None:
        self._discount = discount
        self._columns = Columns()
        self._sums = np.zeros((0, 2))

    def estimate(
        self,
        features: Floats,  # noqa: ARG002 - it learns nothing from the question
        sources: Sequence[int],
        draw: np.random.Generator,
    ) -> Estimate:
        """Return the posterior's mean, and a draw from it."""
        columns, places = self._columns.known(sources)
        sums = np.ones((len(sources), 2))
        sums[places] += self._sums[columns]
        new = np.ones(len(sources), dtype=np.bool_)
        new[places] = False
        mean = sums[:, 0] / sums.sum(axis=1)
        return Estimate(mean, draw.beta(sums[:, 0], sums[:, 1]), new)

    def learn(
        self,
        features: Floats,  # noqa: ARG002
        rewards: Mapping[int, float],
    ) -> None:
        """Take what the sources asked were worth."""
        columns, taken_over = self._columns.of(rewards)
        self._sums[taken_over] = 0.0
        more = np.zeros((len(self._columns) - len(self._sums), 2))
        self._sums = np.vstack([self._sums, more])
        won = np.array(list(rewards.values()))
        self._sums[columns] = self._discount * self._sums[columns] + np.stack([won, 1 - won], 1)

    def amend(
        self,
        features: Floats,  # noqa: ARG002
        replaced: Mapping[int, tuple[float, float]],
    ) -> None:
        """Correct what sources were worth."""
        sources = list(replaced)
        columns, places = self._columns.known(sources)
        for column, place in zip(columns, places, strict=True):
            before, after = replaced[sources[place]]
            corrected = self._sums[column] + np.array([after - before, before - after])
            self._sums[column] = np.maximum(corrected, 0.0)

    def state(self) -> Arrays:
        """Return successes and failures per source."""
        return {"sources": self._columns.ids(), "sums": self._sums}

    def restore(self, state: Arrays) -> None:
        """Take over successes and failures."""
        sources = taken(state, "sources", np.int64, (None,))
        sums = taken(state, "sums", np.float64, (len(sources), 2), most=1e12)
        self._columns, self._sums = Columns(sources), sums
