"""How verifiers' votes come about: a job is honest or cheated, easy or hard, votes are independent.

A vote says match (True) or mismatch (False). On an honest job a mismatch is wrong, on a cheated
one a match is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError

MAX_VOTES = 64
"""No job gets more votes than this; it bounds every table."""

LEAST_ERROR = 1e-12
"""No vote is believed to be surer than this."""

HONEST, CHEATED = slice(0, 2), slice(2, 4)
"""Where the four kinds of job stand on the first axis of every array below."""

_ITERATIONS = 2_000
_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class VoteModel:
    """What is believed of one job before its first vote.

    ``cheat_rate``: the chance that the provider cheated, from its past (``CheatPrior``) or the
    base rate. ``vote_error``, ``hard_error``: the chance that one vote is wrong on an easy and on
    a hard job. ``hard_share``: how many jobs are hard. ``collusion``: the share of verifiers who
    vote match whenever the provider cheated, and honestly otherwise.

    Raises CalibrationError for numbers with which no vote could tell anything apart.
    """

    cheat_rate: float
    vote_error: float
    hard_share: float
    hard_error: float
    collusion: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.cheat_rate < 1.0:
            raise CalibrationError(
                f"A cheat rate of {self.cheat_rate} leaves nothing to vote on.",
                "Give a rate between 0 and 1, both excluded.",
            )
        if not LEAST_ERROR <= self.vote_error <= self.hard_error < 0.5:
            raise CalibrationError(
                f"Vote errors of {self.vote_error} (easy) and {self.hard_error} (hard) tell "
                "nothing apart.",
                f"Give {LEAST_ERROR:g} ≤ easy ≤ hard < 0.5.",
            )
        if not (0.0 <= self.hard_share <= 1.0 and 0.0 <= self.collusion < 0.5):
            raise CalibrationError(
                f"A hard share of {self.hard_share} or a collusion of {self.collusion} is out "
                "of range.",
                "Give a hard share of 0 to 1 and a collusion of 0 to below 0.5.",
            )

    def weights(self) -> NDArray[np.float64]:
        """Chances of the four kinds, (4,): honest easy, honest hard, cheated easy, cheated hard."""
        honest = np.array([1.0 - self.hard_share, self.hard_share])
        return np.concatenate([(1.0 - self.cheat_rate) * honest, self.cheat_rate * honest])

    def match_chances(self) -> NDArray[np.float64]:
        """The chance that one vote on a job of each kind says match, (4,)."""
        errors = np.array([self.vote_error, self.hard_error])
        return np.concatenate([1.0 - errors, self.collusion + (1.0 - self.collusion) * errors])

    def posterior(self, cap: int) -> NDArray[np.float64]:
        """Chances of the four kinds after m matches, n mismatches: (4, cap + 1, cap + 1) by m, n.

        The order of the votes does not matter. In logarithms, so that no product vanishes.
        """
        if not 1 <= cap <= MAX_VOTES:
            raise CalibrationError(
                f"A cap of {cap} votes is out of range.", f"Give 1 to {MAX_VOTES} votes a job."
            )
        counts = np.arange(cap + 1)
        match = self.match_chances()[:, None, None]
        with np.errstate(divide="ignore"):  # no job may be of one kind: log 0 is -inf, as meant
            weights = np.log(self.weights())[:, None, None]
        logs = weights + np.log(match) * counts[:, None] + np.log1p(-match) * counts[None, :]
        chances = np.exp(logs - logs.max(axis=0))
        posterior: NDArray[np.float64] = chances / chances.sum(axis=0)
        return posterior

    def cheated(self, cap: int) -> NDArray[np.float64]:
        """Posterior chance of a cheat after m matches and n mismatches, (cap + 1, cap + 1)."""
        cheated: NDArray[np.float64] = self.posterior(cap)[CHEATED].sum(axis=0)
        return cheated


def estimate_model(votes: NDArray[np.bool_], cheated: NDArray[np.bool_]) -> VoteModel:
    """Return the model that explains the votes on jobs whose truth is known (honeypots).

    ``votes``: (jobs, k) with k ≥ 3, True for match; ``cheated``: (jobs,). Which jobs were hard is
    not known: the counts of wrong votes are a mixture of two binomials, fitted by expectation
    maximisation (Dempster, Laird and Rubin 1977). Rates are kept half a vote away from 0.
    Raises CalibrationError when there is no honest job, no cheat or too few votes a job.
    """
    if votes.ndim != 2 or votes.shape[1] < 3 or cheated.shape != votes.shape[:1]:
        raise CalibrationError(
            "Honeypot votes must be a table of jobs with three or more votes each.",
            "Let at least three verifiers vote on each honeypot.",
        )
    jobs, k = votes.shape
    if not 0 < int(cheated.sum()) < jobs:
        raise CalibrationError(
            "The honeypots hold no cheated job, or no honest one.", "Plant both kinds."
        )
    wrong = (votes == cheated[:, None]).sum(axis=1)
    counts = np.bincount(wrong, minlength=k + 1).astype(np.float64)
    tally = np.arange(k + 1)
    least = 0.5 / (jobs * k)
    low = min(max(float(np.median(wrong)) / k, least), 0.25)
    share, errors = 0.1, np.array([low, 0.3])
    for _ in range(_ITERATIONS):
        chances = errors[:, None] ** tally * (1.0 - errors[:, None]) ** (k - tally)
        hard = share * chances[1] / ((1.0 - share) * chances[0] + share * chances[1])
        parts = np.stack([counts * (1.0 - hard), counts * hard])
        totals = np.maximum(parts.sum(axis=1), 1e-12)
        following = np.clip((parts * tally).sum(axis=1) / (totals * k), least, 0.499)
        moved = float(np.abs(following - errors).max()) + abs(totals[1] / jobs - share)
        errors, share = following, float(totals[1] / jobs)
        if moved < _TOLERANCE:
            break
    order = np.argsort(errors)
    if order[0] == 1:
        share = 1.0 - share
    return VoteModel(
        cheat_rate=float(cheated.mean()),
        vote_error=float(errors[order[0]]),
        hard_share=float(np.clip(share, 0.0, 1.0)),
        hard_error=float(errors[order[1]]),
    )
