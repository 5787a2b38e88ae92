"""Rewards as a linear function of the question, per source, with an upper confidence bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.errors import StateError
from rag.routing.columns import MAX_SOURCES
from rag.routing.estimate import Estimate
from rag.state.arrays import REMEDY, Arrays, Floats, taken


@dataclass(frozen=True, slots=True)
class LinearSetting:
    """``hope`` is alpha, in standard errors of a reward; ``ridge`` is lambda; evidence fades by
    ``discount`` with every choice that the source was part of.
    """

    hope: float = 0.3
    ridge: float = 1.0
    discount: float = 0.999


class LinUcbLearner:
    """Disjoint LinUCB (Li, Chu, Langford & Schapire, WWW 2010) on projected features.

    Per source A = sum x xᵀ + ridge I and b = sum r x in float64, each choice one rank-one step;
    what it knew before counts ``discount`` times as much, while the ridge stays whole (Russac,
    Vernade & Cappé, 2019). x is the projected question with a bias behind it. The inverse is
    taken once per step and source, so that no error adds up as with repeated Sherman-Morrison.
    """

    name = "linucb"

    def __init__(self, projection: Floats, setting: LinearSetting | None = None) -> None:
        self._projection = projection
        self._setting = setting or LinearSetting()
        self._a: dict[int, Floats] = {}
        self._b: dict[int, Floats] = {}
        self._inverse: dict[int, Floats] = {}

    def estimate(
        self,
        features: Floats,
        sources: Sequence[int],
        draw: np.random.Generator,
    ) -> Estimate:
        """Return theta x, and hope sqrt(x A⁻¹ x) above it; ties are drawn."""
        x = self._x(features)
        mean, error = np.zeros(len(sources)), np.empty(len(sources))
        for n, source in enumerate(sources):
            inverse = self._inverse.get(source)
            if inverse is None:
                error[n] = np.sqrt(x @ x / self._setting.ridge)
                continue
            half = inverse @ x
            mean[n], error[n] = half @ self._b[source], np.sqrt(max(float(x @ half), 0.0))
        new = np.array([s not in self._a for s in sources], dtype=np.bool_)
        return Estimate(mean, self._hopeful(mean, error, draw), new)

    def learn(self, features: Floats, rewards: Mapping[int, float]) -> None:
        """Take one question and what the sources asked were worth for it."""
        x, setting = self._x(features), self._setting
        ridge = setting.ridge * np.eye(len(x))
        for source, reward in rewards.items():
            while source not in self._a and len(self._a) >= MAX_SOURCES:
                self._drop(next(iter(self._a)))
            before = self._a.pop(source, ridge)  # the last touched stands last
            self._a[source] = setting.discount * (before - ridge) + ridge + np.outer(x, x)
            self._b[source] = setting.discount * self._b.get(source, np.zeros(len(x))) + reward * x
            self._inverse[source] = _inverse(self._a[source])

    def amend(self, features: Floats, replaced: Mapping[int, tuple[float, float]]) -> None:
        """Correct rewards; what of them faded since is not undone."""
        x = self._x(features)
        for source, (before, after) in replaced.items():
            if source in self._b:
                self._b[source] = self._b[source] + (after - before) * x

    def state(self) -> Arrays:
        """Return A and b of every source, and the projection that they belong to."""
        width = self._projection.shape[1] + 1
        return {
            "sources": np.array(list(self._a), dtype=np.int64),
            "projection": self._projection,
            "a": np.array(list(self._a.values())).reshape(-1, width, width),
            "b": np.array([self._b[s] for s in self._a]).reshape(-1, width),
        }

    def restore(self, state: Arrays) -> None:
        """Take over A and b; raises StateError where they cannot be sums of lessons.

        The projection has to be this learner's own: A and b mean nothing in another one's axes.
        """
        sources = taken(state, "sources", np.int64, (None,))
        if len(sources) > MAX_SOURCES or len(set(sources.tolist())) != len(sources):
            raise StateError("A router's state names a source twice, or too many.", REMEDY)
        width = self._projection.shape[1] + 1
        a = taken(state, "a", np.float64, (len(sources), width, width))
        b = taken(state, "b", np.float64, (len(sources), width))
        projection = taken(state, "projection", np.float64, self._projection.shape)
        if not np.allclose(projection, self._projection, rtol=1e-6, atol=1e-9):
            raise StateError("A router's state was learned in other columns.", REMEDY)
        if not np.allclose(a, a.transpose(0, 2, 1), rtol=1e-6, atol=1e-6):
            raise StateError("A router's state has a matrix that is not symmetric.", REMEDY)
        # Ridge and outer products: no direction has less than the ridge.
        if len(a) and np.linalg.eigvalsh(a).min() < 0.999 * self._setting.ridge:
            raise StateError("A router's state has a matrix that no lessons add up to.", REMEDY)
        self._a = {int(s): each for s, each in zip(sources, a, strict=True)}
        self._b = {int(s): each for s, each in zip(sources, b, strict=True)}
        self._inverse = {s: _inverse(each) for s, each in self._a.items()}

    def _drop(self, source: int) -> None:
        for table in (self._a, self._b, self._inverse):
            del table[source]

    def _hopeful(self, mean: Floats, error: Floats, draw: np.random.Generator) -> Floats:
        return np.asarray(mean + self._setting.hope * error + 1e-9 * draw.random(len(mean)))

    def _x(self, features: Floats) -> Floats:
        return np.append(features @ self._projection, 1.0)


def _inverse(a: Floats) -> Floats:
    return np.asarray(np.linalg.inv(a), dtype=np.float64)
