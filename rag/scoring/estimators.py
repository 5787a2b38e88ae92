"""What went before, behind the same port: equal votes, the seed's rule, and label-free methods."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.scoring.ballots import Ballot, elect

ROUNDS = 20
"""Label-free methods iterate at most so often over all ballots so far."""
EVERY = 10
"""They do so again after every so many ballots."""


class Majority:
    """Every voter counts the same."""

    def __init__(self, voters: Sequence[int]) -> None:
        self._weights = dict.fromkeys(voters, 1.0)

    def weights(self, _ballot: Ballot) -> Mapping[int, float]:
        """Return 1 for every voter."""
        return self._weights

    def learn(self, ballot: Ballot, right: Mapping[int, bool] | None = None) -> None:
        """Learn nothing."""

    def reliabilities(self, _topic: str = "") -> Mapping[int, float]:
        """Return the same for every voter."""
        return self._weights


class KnownWeights:
    """Weights that somebody knows beforehand; ``of`` gives them by topic and ballot number."""

    def __init__(self, of: Callable[[str, int], Mapping[int, float]]) -> None:
        self._of = of
        self._number = 0

    def weights(self, ballot: Ballot) -> Mapping[int, float]:
        """Return what is known for this ballot."""
        return self._of(ballot.topic, self._number)

    def learn(self, _ballot: Ballot, _right: Mapping[int, bool] | None = None) -> None:
        """Go on to the next ballot."""
        self._number += 1

    def reliabilities(self, topic: str = "") -> Mapping[int, float]:
        """Return the weights of the ballot at hand."""
        return self._of(topic, self._number)


class SeedRule:
    """The rule of Reliable-dRAG (arXiv 2511.07577), as its code has it; needs gold for each ballot.

    Three sources are drawn with replacement, by usefulness. Scores start at 10,000; who is in the
    winning cluster ("grounded") gains c in usefulness, and c in reliability when the answer was
    right, else loses that; who is not loses c in usefulness. c = 100 / (number of those asked):
    its importance is the same for all wherever it was looked at. A vote weighs .5 × relevance
    (here equal: ½) + .5 × the reliability scaled to 0..1 between the least and the most of those
    asked. ``always`` is a voter that is asked each time, at the middle weight.
    """

    START = 10_000.0
    ASKED = 3

    def __init__(self, voters: Sequence[int], seed: int, always: int | None = None) -> None:
        self._sources = [v for v in voters if v != always]
        self._always = always
        self._usefulness = dict.fromkeys(self._sources, self.START)
        self._reliability = dict.fromkeys(self._sources, self.START)
        self._random = random.Random(f"seed rule {seed}")  # noqa: S311 - repeatable, not secret
        self._asked: dict[int, float] = {}

    def weights(self, _ballot: Ballot) -> Mapping[int, float]:
        """Draw whom to ask, and return their weights."""
        chances = [max(self._usefulness[s], 1e-9) for s in self._sources]
        drawn = sorted(set(self._random.choices(self._sources, chances, k=self.ASKED)))
        least = min(self._reliability[s] for s in drawn)
        spread = max(self._reliability[s] for s in drawn) - least
        self._asked = {
            s: 0.25 + 0.5 * ((self._reliability[s] - least) / spread if spread else 0.5)
            for s in drawn
        }
        return self._asked if self._always is None else {**self._asked, self._always: 0.5}

    def learn(self, ballot: Ballot, right: Mapping[int, bool] | None = None) -> None:
        """Change the scores of those asked."""
        answers = {s: a for s, a in ballot.answers.items() if s in self._asked}
        if right is None or not answers:
            return
        winner = elect(answers, self._asked)
        change = round(100 / len(self._asked))
        for source in self._asked:
            if answers.get(source) == winner:
                self._usefulness[source] += change
                self._reliability[source] += change if right[source] else -change
            else:
                self._usefulness[source] -= change

    def reliabilities(self, _topic: str = "") -> Mapping[int, float]:
        """Return the reliability scores."""
        return self._reliability


class _LabelFree(ABC):
    """Looks at all ballots so far again and again; until the first time, all count the same."""

    def __init__(self, voters: Sequence[int]) -> None:
        self._voters = tuple(voters)
        self._ballots: list[NDArray[np.int64]] = []
        self._accuracy = np.full(len(self._voters), 0.5)
        self._weights = np.ones(len(self._voters))

    def weights(self, _ballot: Ballot) -> Mapping[int, float]:
        """Return the weights as they were last estimated."""
        return dict(zip(self._voters, self._weights.tolist(), strict=True))

    def learn(self, ballot: Ballot, _right: Mapping[int, bool] | None = None) -> None:
        """Keep the ballot, whatever gold says of it."""
        options = {answer: i for i, answer in enumerate(sorted(set(ballot.answers.values())))}
        said = [ballot.answers.get(v) for v in self._voters]
        self._ballots.append(np.array([-1 if a is None else options[a] for a in said]))
        if len(self._ballots) % EVERY == 0:
            answers = np.array(self._ballots)
            said_what = answers[:, :, None] == np.arange(max(int(answers.max()) + 1, 2))
            self._estimate(said_what.astype(float))

    def reliabilities(self, _topic: str = "") -> Mapping[int, float]:
        """Return the estimated accuracies."""
        return dict(zip(self._voters, self._accuracy.tolist(), strict=True))

    @abstractmethod
    def _estimate(self, said: NDArray[np.float64]) -> None:
        """Estimate from ``said`` (ballots, voters, answers): 1 where a voter gave an answer."""


class IterativeWeightedMajority(_LabelFree):
    """RA-RAG's estimator (arXiv 2410.22954), after Li and Yu, "Error rate bounds and iterative
    weighted majority voting for crowdsourcing" (2014).

    Who agrees with the weighted majority is right; a voter weighs N × accuracy - 1, N voters.
    """

    def _estimate(self, said: NDArray[np.float64]) -> None:
        weights = np.ones(len(self._voters))
        cast = np.maximum(said.sum(axis=(0, 2)), 1.0)
        for _ in range(ROUNDS):
            votes = np.einsum("bva,v->ba", said, np.maximum(weights, 0.0))
            winners = votes == votes.max(axis=1, keepdims=True)
            first = np.eye(said.shape[2])[winners.argmax(axis=1)]
            self._accuracy = np.einsum("bva,ba->v", said, first) / cast
            found = len(self._voters) * self._accuracy - 1.0
            if np.array_equal(found, weights):
                break
            weights = found
        self._weights = weights


class OneCoinDawidSkene(_LabelFree):
    """Expectation maximisation of one accuracy per voter (Dawid and Skene, 1979; one coin).

    A wrong voter says each of the other answers on the ballot with equal probability. Starts from
    the majority; accuracies have a Beta(2, 2) prior.
    """

    def _estimate(self, said: NDArray[np.float64]) -> None:
        on_ballot = said.any(axis=1)
        others = np.log(np.maximum(on_ballot.sum(axis=1) - 1, 1))
        truth = said.mean(axis=1)
        truth /= np.maximum(truth.sum(axis=1, keepdims=True), 1e-12)
        cast = said.sum(axis=(0, 2)) + 2.0
        for _ in range(ROUNDS):
            self._accuracy = (np.einsum("bva,ba->v", said, truth) + 1.0) / cast
            self._weights = np.log(self._accuracy / (1.0 - self._accuracy))
            logs = np.einsum("bva,bv->ba", said, self._weights + others[:, None])
            odds = np.where(on_ballot, np.exp(logs - logs.max(axis=1, keepdims=True)), 0.0)
            truth = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-12)
