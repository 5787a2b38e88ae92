"""What asking a source is worth in all: reward, trust, price and time in one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.state.arrays import Floats
from rag.types import Cost

WEI = 10**18
NO_COST = Cost()


@dataclass(frozen=True, slots=True)
class Worth:
    """Weights in units of reward; a reward of 1 is a right answer.

    ``trust`` weighs the lower bound 0..1 of a source's reliability on record against what was
    learned here, ``ether`` is what an ether and ``second`` what a second of waiting takes off. By
    default a right answer is worth a thousandth of an ether, or twenty seconds. A search counts
    as at most ``patience`` seconds long: by then a deadline has ended it.
    """

    trust: float = 0.2
    ether: float = 1_000.0
    second: float = 0.05
    patience: float = 10.0

    def trusted(self, rewards: Floats, lower: Floats) -> Floats:
        """Return the weighted mean of rewards (n,) and the lower bounds on record (n,), ≥ 0."""
        return np.asarray((np.maximum(rewards, 0.0) + self.trust * lower) / (1.0 + self.trust))

    def lost(self, sources: Sequence[int], costs: Mapping[int, Cost]) -> Floats:
        """Return what a search of each source costs, in units of reward, (n,) ≥ 0."""
        each = [costs.get(s, NO_COST) for s in sources]
        price = np.array([max(c.price, 0) / WEI for c in each], dtype=np.float64)
        # A time that is no number, or negative, is as bad as the longest.
        seconds = np.array([c.seconds if c.seconds >= 0.0 else np.inf for c in each])
        return np.asarray(self.ether * price + self.second * np.minimum(seconds, self.patience))
