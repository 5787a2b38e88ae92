"""When to stop asking verifiers, and with which verdict: one table over counts of votes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import CalibrationError
from rag.lsh.vote_model import CHEATED, HONEST, MAX_VOTES, VoteModel

ASK, ACCEPT, REJECT = 0, 1, 2
"""What a rule says of a job: one more vote, it was honest, it was cheated."""

CAP = 11
_HALVINGS = 30
_PRICES = (1e-12, 1.0)


@dataclass(frozen=True, slots=True)
class VoteRule:
    """``decisions[m, n]`` after m matches and n mismatches: ASK, ACCEPT or REJECT.

    ``decisions``: uint8, (cap + 1, cap + 1). At ``cap`` votes every entry decides; ``undecided``
    marks the entries there that are only a guess, and on chain would stay inconclusive.
    """

    decisions: NDArray[np.uint8]
    undecided: NDArray[np.bool_]

    @property
    def cap(self) -> int:
        """The most votes a job can get."""
        return len(self.decisions) - 1


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a rule costs and risks under a model; shares are of all jobs.

    ``error`` = ``cheats_accepted`` + ``honest_rejected``; guesses on ``undecided`` jobs are in it.
    """

    mean_votes: float
    error: float
    cheats_accepted: float
    honest_rejected: float
    undecided: float


def fixed(votes: int) -> VoteRule:
    """The majority of a fixed odd number of votes, as in Kim et al. 2023 (three)."""
    if votes % 2 == 0 or not 1 <= votes <= MAX_VOTES:
        raise CalibrationError(
            f"A majority of {votes} votes may be a tie, or is too large.",
            f"Give an odd number up to {MAX_VOTES}.",
        )
    matches, mismatches = _counts(votes)
    full = matches + mismatches >= votes
    verdict = np.where(matches > mismatches, ACCEPT, REJECT)
    return VoteRule(np.where(full, verdict, ASK).astype(np.uint8), np.zeros_like(full))


def lead(accept: int, reject: int, cap: int, model: VoteModel) -> VoteRule:
    """The contract's rule: accept at matches − mismatches ≥ ``accept``, reject at the mirror.

    With neither lead after ``cap`` votes the job is undecided; the guess is the likelier side
    under ``model``.
    """
    if accept < 1 or reject < 2 or not 1 <= cap <= MAX_VOTES:
        raise CalibrationError(
            f"Leads of {accept} and {reject} within {cap} votes are no rule.",
            "Accept at 1 or more, reject at 2 or more, within 1 to 64 votes.",
        )
    matches, mismatches = _counts(cap)
    guess = np.where(model.cheated(cap) > 0.5, REJECT, ACCEPT)
    won, lost = matches - mismatches >= accept, mismatches - matches >= reject
    full = matches + mismatches >= cap
    decisions = np.select([won, lost, full], [np.full_like(guess, ACCEPT), REJECT, guess], ASK)
    return VoteRule(decisions.astype(np.uint8), full & ~won & ~lost)


def priced(model: VoteModel, price: float, cap: int = CAP) -> VoteRule:
    """The rule with the least (chance of a wrong verdict) + ``price`` · (votes), at least one vote.

    Optimal stopping by backward induction over the counts (Wald 1947; Arrow, Blackwell and
    Girshick 1949). Of all rules with its mean number of votes none errs less.
    """
    posterior = model.posterior(cap)
    cheated = posterior[CHEATED].sum(axis=0)
    match = np.tensordot(model.match_chances(), posterior, axes=1)
    risk = np.minimum(cheated, 1.0 - cheated)
    decisions = np.where(cheated > 0.5, REJECT, ACCEPT).astype(np.uint8)
    value = risk.copy()
    for votes in range(cap - 1, -1, -1):
        m = np.arange(votes + 1)
        n = votes - m
        chance = match[m, n]
        asked = price + chance * value[m + 1, n] + (1.0 - chance) * value[m, n + 1]
        ask = (asked < risk[m, n]) | (votes == 0)
        value[m, n] = np.where(ask, asked, risk[m, n])
        decisions[m[ask], n[ask]] = ASK
    return VoteRule(decisions, np.zeros(decisions.shape, dtype=np.bool_))


def outlook(rule: VoteRule, model: VoteModel) -> Outlook:
    """Return the exact votes and errors of a rule under a model, by forward recursion."""
    chances = model.match_chances()
    mass = np.zeros((4, rule.cap + 2, rule.cap + 2))
    mass[:, 0, 0] = model.weights()
    mean_votes = wrongly_accepted = wrongly_rejected = undecided = 0.0
    for votes in range(rule.cap + 1):
        for m in range(votes + 1):
            n = votes - m
            here, decision = mass[:, m, n], rule.decisions[m, n]
            if decision == ASK:
                mean_votes += float(here.sum())
                mass[:, m + 1, n] += here * chances
                mass[:, m, n + 1] += here * (1.0 - chances)
                continue
            if decision == ACCEPT:
                wrongly_accepted += float(here[CHEATED].sum())
            else:
                wrongly_rejected += float(here[HONEST].sum())
            undecided += float(here.sum()) if rule.undecided[m, n] else 0.0
    error = wrongly_accepted + wrongly_rejected
    return Outlook(mean_votes, error, wrongly_accepted, wrongly_rejected, undecided)


def price_for(
    models: Sequence[VoteModel],
    shares: Sequence[float],
    error: float,
    *,
    votes: float = math.inf,
    cap: int = CAP,
) -> float:
    """Return the highest price of a vote at which jobs still err at most ``error`` on the whole.

    ``models`` with their ``shares`` of the jobs, for instance one per group of providers with a
    like past: one price for all of them spends each vote where it saves most. Where that would
    take more than ``votes`` a job, the price that errs least for that many. Raises
    CalibrationError, naming the least error within reach, when neither is to be had.
    """

    def expected(price: float) -> tuple[float, float]:
        views = [outlook(priced(model, price, cap), model) for model in models]
        mean = sum(share * view.mean_votes for share, view in zip(shares, views, strict=True))
        return mean, sum(share * view.error for share, view in zip(shares, views, strict=True))

    def highest(good: Callable[[float, float], bool]) -> float:
        low, high = (math.log(price) for price in _PRICES)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if good(*expected(math.exp(middle))) else (low, middle)
        return math.exp(low)

    least = expected(_PRICES[0])[1]
    wanted = highest(lambda _, wrong: wrong <= error) if least <= error else 0.0
    if wanted and expected(wanted)[0] <= votes:
        return wanted
    if votes == math.inf:
        raise CalibrationError(
            f"No rule of at most {cap} votes errs below {error:g}; the least is {least:.2g}.",
            "Allow more votes or more errors.",
        )
    if expected(_PRICES[1])[0] > votes:
        raise CalibrationError(
            f"{votes:g} votes a job are fewer than any rule asks for.", "Allow at least 1."
        )
    # The dearest price at which more votes than that are asked is the edge; a hair above it holds.
    return highest(lambda mean, _: mean > votes) * (1.0 + 1e-6)


def _counts(cap: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    matches, mismatches = np.indices((cap + 1, cap + 1))
    return matches, mismatches
