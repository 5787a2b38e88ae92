"""Rewards by likeness: what sources were worth for the most similar earlier questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import StateError
from rag.routing.columns import Columns
from rag.routing.estimate import Estimate
from rag.state.arrays import REMEDY, Arrays, Floats, taken

WINDOW = 2_000
REWARDS_EACH = 8


@dataclass(frozen=True, slots=True)
class NeighbourSetting:
    """How near counts as near, and how hopeful the unknown is looked at.

    An earlier question counts exp(-sharpness max(d - d0, 0)), d half the squared distance of the
    features and d0 that of the ``nearest``-th. Of each source the ``most`` nearest rewards count,
    and its own mean as ``pull`` more. ``hope`` is in standard errors; ``window`` earlier choices
    are kept.
    """

    sharpness: float = 10.0
    nearest: int = 5
    most: int = 20
    pull: float = 0.3
    hope: float = 0.5
    window: int = WINDOW


class NeighbourLearner:
    """Kernel regression over a sliding window, with an upper confidence bound.

    Nadaraya-Watson with a bandwidth that follows the data, as k nearest neighbours have it, and
    the bound of Guan & Jiang, "Nonparametric stochastic contextual bandits" (AAAI 2018), with
    the sum of the kernel's weights for the number of neighbours. The window forgets what has
    drifted (Garivier & Moulines, 2011). Memory and time are bounded by ``window`` questions and
    REWARDS_EACH times as many rewards, whatever the number of sources.
    """

    name = "neighbours"

    def __init__(self, dimensions: int, setting: NeighbourSetting | None = None) -> None:
        self._setting = setting or NeighbourSetting()
        self._columns = Columns()
        self._questions = np.zeros((self._setting.window, dimensions), dtype=np.float32)
        self._squares = np.zeros(self._setting.window, dtype=np.float32)
        self._count = 0
        # One entry per reward, oldest first: the number of its question, whose it is, what.
        self._turns = np.zeros(0, dtype=np.int64)
        self._owners = np.zeros(0, dtype=np.int64)
        self._rewards = np.zeros(0)

    def estimate(
        self,
        features: Floats,
        sources: Sequence[int],
        draw: np.random.Generator,
    ) -> Estimate:
        """Return the local mean, and hope standard errors above it; ties are drawn."""
        setting, owners, rewards = self._setting, self._owners, self._rewards
        counts = np.bincount(owners, minlength=len(self._columns))
        # One imagined reward of 1/2 stands for everything before the first.
        overall = (rewards.sum() + 0.5) / (len(rewards) + 1.0)
        mean = (self._summed(rewards) + overall) / (counts + 1.0)
        squares = float(((rewards - mean[owners]) ** 2).sum()) + 0.25
        deviation = np.sqrt(squares / (len(rewards) + 1.0))
        weights = self._weights(features, counts)
        near = self._summed(weights)
        local = (self._summed(weights * rewards) + setting.pull * mean) / (near + setting.pull)
        columns, places = self._columns.known(sources)
        means, nears = np.full(len(sources), overall), np.zeros(len(sources))
        means[places], nears[places] = local[columns], near[columns]
        error = deviation / np.sqrt(nears + setting.pull)
        hopeful = means + setting.hope * error + 1e-9 * draw.random(len(sources))
        new = np.ones(len(sources), dtype=np.bool_)
        new[places] = counts[columns] == 0
        return Estimate(means, hopeful, new)

    def learn(self, features: Floats, rewards: Mapping[int, float]) -> None:
        """Keep one question and what the sources asked were worth for it."""
        columns, taken_over = self._columns.of(rewards)
        if taken_over:
            kept = ~np.isin(self._owners, taken_over)
            self._turns, self._owners = self._turns[kept], self._owners[kept]
            self._rewards = self._rewards[kept]
        row = self._count % self._setting.window
        self._questions[row] = features
        self._squares[row] = self._questions[row] @ self._questions[row]
        turns = np.full(len(columns), self._count)
        self._count += 1
        self._turns = np.concatenate([self._turns, turns])
        self._owners = np.concatenate([self._owners, np.array(columns, dtype=np.int64)])
        self._rewards = np.concatenate([self._rewards, np.array(list(rewards.values()))])
        self._trim()

    def amend(self, features: Floats, replaced: Mapping[int, tuple[float, float]]) -> None:
        """Correct rewards of a question that is still in the window."""
        same = (self._questions == features.astype(np.float32)).all(axis=1)
        asked = same[self._turns % self._setting.window]
        sources = list(replaced)
        columns, places = self._columns.known(sources)
        for column, place in zip(columns, places, strict=True):
            before, after = replaced[sources[place]]
            mine = asked & (self._owners == column) & (self._rewards == before)
            if mine.any():
                self._rewards[np.flatnonzero(mine)[-1]] = after

    def state(self) -> Arrays:
        """Return the window and its rewards, oldest first."""
        kept = min(self._count, self._setting.window)
        first = self._count - kept
        return {
            "sources": self._columns.ids(),
            "questions": self._questions[np.arange(first, self._count) % self._setting.window],
            "turns": self._turns - first,
            "owners": self._owners,
            "rewards": self._rewards,
        }

    def restore(self, state: Arrays) -> None:
        """Take over a window, its newest part where it is longer than this one."""
        sources = taken(state, "sources", np.int64, (None,))
        width = self._questions.shape[1]
        questions = taken(state, "questions", np.float32, (None, width))
        last = max(len(questions) - 1, 0)
        turns = taken(state, "turns", np.int64, (None,), most=last)
        owners = taken(state, "owners", np.int64, (len(turns),), most=max(len(sources) - 1, 0))
        rewards = taken(state, "rewards", np.float64, (len(turns),), most=1.0)
        if (len(turns) and not (len(questions) and len(sources))) or (np.diff(turns) < 0).any():
            raise StateError("A router's state has rewards out of place.", REMEDY)
        self._columns = Columns(sources)
        first = max(len(questions) - self._setting.window, 0)
        self._count = len(questions) - first
        self._questions[: self._count] = questions[first:]
        self._squares = np.einsum("ij,ij->i", self._questions, self._questions)
        self._turns, self._owners, self._rewards = turns - first, owners, rewards
        self._trim()

    def _weights(self, features: Floats, counts: NDArray[np.int64]) -> Floats:
        """What each reward counts for this question: 0 beyond a source's ``most`` nearest."""
        kept, setting = min(self._count, self._setting.window), self._setting
        if not kept:
            return np.zeros(0)
        asked = features.astype(np.float32)
        likeness = self._questions[:kept] @ asked
        apart = (0.5 * (self._squares[:kept] + asked @ asked) - likeness).astype(np.float64)
        rank = min(setting.nearest, kept) - 1
        beyond = np.maximum(apart - np.partition(apart, rank)[rank], 0.0)
        rows = self._turns % setting.window
        weights = np.exp(-setting.sharpness * beyond)[rows]
        if counts.max() > setting.most:
            # By owner, then by distance; of equals the newest, so that drift is outweighed.
            newest = np.arange(self._count - 1, self._count - kept - 1, -1) % setting.window
            ranks = np.empty(kept, dtype=np.int64)
            ranks[newest[np.argsort(apart[newest], kind="stable")]] = np.arange(kept)
            order = np.argsort(self._owners * kept + ranks[rows])
            starts = np.cumsum(counts) - counts
            place = np.arange(len(order)) - starts[self._owners[order]]
            weights[order[place >= setting.most]] = 0.0
        return np.asarray(weights)

    def _summed(self, values: Floats) -> Floats:
        return np.asarray(
            np.bincount(self._owners, weights=values, minlength=len(self._columns)),
            dtype=np.float64,
        )

    def _trim(self) -> None:
        """Forget the rewards of questions outside the window, and the oldest beyond the bound."""
        outside = int(np.searchsorted(self._turns, self._count - self._setting.window))
        first = max(outside, len(self._turns) - REWARDS_EACH * self._setting.window)
        if first > 0:
            self._turns, self._owners = self._turns[first:], self._owners[first:]
            self._rewards = self._rewards[first:]
