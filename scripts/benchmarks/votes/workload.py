"""Jobs, cheats and votes, drawn once for all rules: what verification.md §5 describes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.lsh.vote_model import VoteModel

TRUTH = VoteModel(cheat_rate=0.03, vote_error=0.005, hard_share=0.1, hard_error=0.2)
CHEATS, HONEST = 0.12, 3.88
"""Cheat rates over providers where reputation is measured: Beta with a mean of 3 %, nine in ten
providers below it and few far above."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """``votes`` (jobs, cap), True for match; ``cheated`` (jobs,); ``provider`` (jobs,)."""

    votes: NDArray[np.bool_]
    cheated: NDArray[np.bool_]
    provider: NDArray[np.int64]


def draw_jobs(
    truth: VoteModel, jobs: int, cap: int, rng: np.random.Generator, *, rates: int = 0
) -> Jobs:
    """Draw jobs and every vote a rule may look at; ``rates``: how many unlike providers, 0 none."""
    provider = np.arange(jobs, dtype=np.int64) % max(rates, 1)
    chance = np.full(jobs, truth.cheat_rate)
    if rates:
        chance = rng.beta(CHEATS, HONEST, rates)[provider]
    return draw_votes(truth, provider, chance, cap, rng)


def draw_votes(
    truth: VoteModel,
    provider: NDArray[np.int64],
    chance: NDArray[np.float64],
    cap: int,
    rng: np.random.Generator,
) -> Jobs:
    """Draw jobs of these providers with these chances of a cheat, and ``cap`` votes on each."""
    jobs = len(provider)
    cheated = rng.random(jobs) < chance
    hard = rng.random(jobs) < truth.hard_share
    kind = 2 * cheated.astype(np.int64) + hard
    votes = rng.random((jobs, cap)) < truth.match_chances()[kind][:, None]
    return Jobs(votes, cheated, provider)
