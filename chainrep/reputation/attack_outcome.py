"""What an attack brought those who made it, and what it cost the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrep.reputation.attacks import Attacked
from chainrep.reputation.pagerank import Scores

TOP = 100


@dataclass(frozen=True, slots=True)
class AttackOutcome:
    """Scores are in units of 2^-50 of all trust; gains are over what attackers had before.

    ``had`` is what the attackers had while they trusted nobody, ``have`` what they have, and
    ``sybils_have`` what their Sybils have. ``own_gain`` is the largest gain of one attacker on its
    own account, ``total_gain`` that of all of them and their Sybils; None where they had nothing.
    ``sybils_in_top`` counts Sybils among the 100 highest, seeds left out. ``victims_lost`` is the
    share of their scores that victims lost.
    """

    had: int
    have: int
    sybils_have: int
    own_gain: float | None
    total_gain: float | None
    sybils_in_top: int
    victims_lost: float | None


def attack_outcome(
    quiet: Scores, after: Scores, attacked: Attacked, seeds: Sequence[int], victims: Sequence[int]
) -> AttackOutcome:
    """Compare the scores while attackers trust nobody with those ``after`` the attack."""
    attackers, sybils = np.asarray(attacked.attackers, int), np.asarray(attacked.sybils, int)
    before = quiet[attackers].astype(np.float64)
    had, have = int(quiet[attackers].sum()), int(after[attackers].sum())
    sybils_have = int(after[sybils].sum())
    known = before > 0
    own = after[attackers][known] / before[known]
    sure = int(quiet[np.asarray(victims, int)].sum())
    left = int(after[np.asarray(victims, int)].sum())
    return AttackOutcome(
        had,
        have,
        sybils_have,
        float(own.max()) if own.size else None,
        (have + sybils_have) / had if had else None,
        len(set(best_accounts(after, TOP, seeds)) & set(attacked.sybils)),
        (sure - left) / sure if sure else None,
    )


def best_accounts(scores: Scores, count: int, left_out: Sequence[int] = ()) -> Sequence[int]:
    """The accounts with the highest scores above zero, best first; ties by number."""
    kept = scores.astype(np.int64)
    kept[list(left_out)] = 0
    order = np.argsort(-kept, kind="stable")[:count]
    return [int(v) for v in order if kept[v] > 0]
