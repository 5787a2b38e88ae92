"""Rules put to work: verdicts from votes, the best leads for the contract."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError
from rag.lsh.vote_model import MAX_VOTES, VoteModel
from rag.lsh.vote_rule import ASK, CAP, REJECT, Outlook, VoteRule, lead, outlook


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict per job: ``used`` votes (int64), ``cheated`` and ``undecided`` (bool), (jobs,).

    Undecided jobs carry the rule's guess in ``cheated``.
    """

    used: NDArray[np.int64]
    cheated: NDArray[np.bool_]
    undecided: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Leads:
    """What a requester asks of VerificationJobs for one job, and what that promises."""

    accept: int
    reject: int
    max_votes: int
    outlook: Outlook


def decide(rule: VoteRule, votes: NDArray[np.bool_]) -> Verdicts:
    """Apply a rule to each job's votes in their order; votes beyond its stop are not looked at.

    ``votes``: (jobs, at least ``rule.cap``), True for match.
    """
    if votes.ndim != 2 or votes.shape[1] < rule.cap:
        raise CalibrationError(
            f"The rule may ask for {rule.cap} votes a job, more than were given.",
            "Give a table of jobs with that many votes each.",
        )
    jobs = np.arange(len(votes))
    matches, used = np.zeros(len(votes), dtype=np.int64), np.zeros(len(votes), dtype=np.int64)
    while len(jobs := jobs[rule.decisions[matches[jobs], (used - matches)[jobs]] == ASK]):
        matches[jobs] += votes[jobs, used[jobs]]
        used[jobs] += 1
    at = matches, used - matches
    return Verdicts(used, rule.decisions[at] == REJECT, rule.undecided[at])


def leads(
    model: VoteModel, error: float, max_votes: int = CAP, *, votes: float = math.inf
) -> Leads:
    """Return the lead rule with the fewest mean votes among those that err at most ``error``.

    ``model.cheat_rate`` is the prior of this job's provider. Where no lead rule within
    ``max_votes`` a job and ``votes`` on average is that good, the one within them that errs
    least: ``outlook.error`` says how much. The reject lead is at least 2, so that one verifier
    alone never condemns a provider.
    """
    if not 0.0 < error < 1.0 or not 2 <= max_votes <= MAX_VOTES:
        raise CalibrationError(
            f"No lead rule errs {error} within {max_votes} votes.",
            f"Give an error between 0 and 1 and 2 to {MAX_VOTES} votes.",
        )
    found: list[Leads] = []
    for accept in range(1, max_votes + 1):
        for reject in range(2, max_votes + 1):
            view = outlook(lead(accept, reject, max_votes, model), model)
            if view.mean_votes <= votes:
                found.append(Leads(accept, reject, max_votes, view))
    if not found:
        raise CalibrationError(
            f"{votes:g} votes a job are fewer than any lead rule asks for.", "Allow more."
        )
    good = [each for each in found if each.outlook.error <= error]
    if good:
        return min(good, key=lambda each: (each.outlook.mean_votes, each.outlook.error))
    return min(found, key=lambda each: (each.outlook.error, each.outlook.mean_votes))
