"""A budget of votes over a batch of open jobs: the next vote goes where it promises most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError
from rag.lsh.vote_model import VoteModel
from rag.lsh.vote_rule import ASK, CAP, priced
from rag.lsh.votes import Verdicts

Promise = Callable[[VoteModel, int], NDArray[np.float64]]
"""What one more vote promises after m matches and n mismatches, (cap + 1, cap + 1); nothing (at
most 0) from ``cap`` votes on."""

_PRICES = np.geomspace(1.0, 1e-9, 181)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The verdicts, the wrong ones among them that the model expects, and the rounds it took.

    A round asks one more vote of every job in one state at once.
    """

    verdicts: Verdicts
    expected_error: float
    rounds: int


def optimistic_gain(model: VoteModel, cap: int) -> NDArray[np.float64]:
    """The larger of the gains in certainty that a match and a mismatch would bring.

    Optimistic knowledge gradient (Chen, Lin and Zhou 2015, as PETS uses it, arXiv 2602.16745). The
    expected gain would be 0 wherever one vote cannot turn the verdict, and stop too early.
    """
    cheated = model.cheated(cap)
    certainty = np.maximum(cheated, 1.0 - cheated)
    gain = np.full(certainty.shape, -np.inf)
    gain[:-1, :-1] = np.maximum(certainty[1:, :-1], certainty[:-1, 1:]) - certainty[:-1, :-1]
    gain[np.indices(gain.shape).sum(axis=0) >= cap] = -np.inf
    return gain


def price_index(model: VoteModel, cap: int) -> NDArray[np.float64]:
    """The highest price at which optimal stopping still buys another vote, in wrong verdicts.

    Whittle's index (1988) of the state, which looks more than one vote ahead.
    """
    index = np.full((cap + 1, cap + 1), -np.inf)
    for price in _PRICES[::-1]:
        index[priced(model, float(price), cap).decisions == ASK] = price
    return index


def allocate(
    votes: NDArray[np.bool_],
    model: VoteModel,
    budget: int,
    *,
    error: float = 0.0,
    cap: int = CAP,
    promise: Promise = optimistic_gain,
) -> Allocation:
    """Spend at most ``budget`` votes on the jobs of a batch; stop once ``error`` is expected.

    ``votes``: (jobs, at least ``cap``), True for match, looked at in order and only when bought.
    Ends earlier when no vote promises anything.
    """
    if votes.ndim != 2 or len(votes) == 0 or votes.shape[1] < cap or budget < 0:
        raise CalibrationError(
            f"There is no batch of jobs with {cap} votes each, or the budget is negative.",
            "Give a table of jobs with that many votes each.",
        )
    worth = promise(model, cap)
    cheated = model.cheated(cap)
    risk = np.minimum(cheated, 1.0 - cheated)
    groups = {(0, 0): np.arange(len(votes))}
    used, matches = np.zeros(len(votes), dtype=np.int64), np.zeros(len(votes), dtype=np.int64)
    doubt, spent, rounds = risk[0, 0] * len(votes), 0, 0
    while spent < budget and doubt > error * len(votes):
        state = max(groups, key=lambda each: (worth[each], each))
        m, n = state
        if worth[state] <= 0.0:
            break
        jobs = groups.pop(state)
        asked, left = jobs[: budget - spent], jobs[budget - spent :]
        if len(left):
            groups[state] = left
        said = votes[asked, m + n]
        used[asked] += 1
        matches[asked] += said
        for after, which in (((m + 1, n), asked[said]), ((m, n + 1), asked[~said])):
            if len(which):
                groups[after] = np.concatenate([groups.get(after, which[:0]), which])
                doubt += len(which) * (risk[after] - risk[state])
        spent += len(asked)
        rounds += 1
    verdict = cheated[matches, used - matches] > 0.5
    done = Verdicts(used, verdict, np.zeros(len(votes), dtype=np.bool_))
    return Allocation(done, float(doubt / len(votes)), rounds)
