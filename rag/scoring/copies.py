"""Who copies whom, from wrong answers they share; a group of copies counts as about one vote.

After Dong, Berti-Equille and Srivastava, "Integrating conflicting data: the role of source
dependence" (VLDB 2009), whose AccuCopy rests on this: two that are right agree of necessity, but
two that err on their own rarely make the same mistake. Only answers judged by gold count.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from rag.state.arrays import Arrays, taken


@dataclass(slots=True)
class CopyBook:
    """The log-odds of every two voters that one copies the other.

    ``prior`` is their probability before any answer was seen, ``coincidence`` that two independent
    voters who are both wrong say the same, ``copied`` the share of its answers that a copy copies.
    """

    prior: float = 0.05
    coincidence: float = 0.4
    copied: float = 0.8
    _evidence: dict[tuple[int, int], float] = field(default_factory=dict)
    _dependence: dict[tuple[int, int], float] = field(default_factory=dict)

    def learn(self, answers: Mapping[int, str], right: Mapping[int, bool]) -> None:
        """Take one judged ballot; ``right`` has every voter of ``answers``."""
        same = math.log((self.copied + (1 - self.copied) * self.coincidence) / self.coincidence)
        different = math.log(1 - self.copied)
        start = math.log(self.prior / (1 - self.prior))
        for a, b in combinations(sorted(answers), 2):
            alike = answers[a] == answers[b]
            # Of two wordings that the vote takes for one, gold may have taken one alone.
            if not (right[a] or right[b] if alike else right[a] and right[b]):
                found = same if alike else different
                self._note(a, b, self._evidence.get((a, b), start) + found)

    def state(self) -> Arrays:
        """Return the log-odds of every pair that was wrong together."""
        pairs = np.array(list(self._evidence), dtype=np.int64).reshape(-1, 2)
        return {"pairs": pairs, "odds": np.array(list(self._evidence.values()), dtype=np.float64)}

    def restore(self, state: Arrays) -> None:
        """Take them over; raises StateError if they do not fit."""
        pairs = taken(state, "pairs", np.int64, (None, 2))
        odds = taken(state, "odds", np.float64, (len(pairs),))
        self._evidence.clear()
        self._dependence.clear()
        for (a, b), total in zip(pairs.tolist(), odds.tolist(), strict=True):
            self._note(min(a, b), max(a, b), total)

    def drop(self, voters: Collection[int]) -> None:
        """Forget these voters."""
        for table in (self._evidence, self._dependence):
            for pair in [(a, b) for a, b in table if a in voters or b in voters]:
                del table[pair]

    def dependence(self, a: int, b: int) -> float:
        """Return the probability 0..1 that one of two voters copies the other."""
        return self._dependence.get((a, b), self.prior)

    def discounted(
        self, answers: Mapping[int, str], weights: Mapping[int, float]
    ) -> dict[int, float]:
        """Return the weights, each × the probability that the vote is not a copy of a heavier one.

        Only those who give the same answer are compared.
        """
        result: dict[int, float] = {}
        for voter in sorted(answers, key=lambda v: (-weights.get(v, 0.0), v)):
            weight = weights.get(voter, 0.0)
            for heavier in result:
                if answers[heavier] == answers[voter]:
                    weight *= 1.0 - self.copied * self.dependence(voter, heavier)
            result[voter] = weight
        return result

    def least(self, voters: Collection[int], weights: Mapping[int, float]) -> dict[int, float]:
        """Return what ``discounted`` leaves of each weight at the least, whatever these say."""
        return self.discounted(dict.fromkeys(voters, ""), weights)

    def _note(self, a: int, b: int, total: float) -> None:
        self._evidence[a, b] = total
        self._dependence[a, b] = self._dependence[b, a] = 0.5 + 0.5 * math.tanh(total / 2)
