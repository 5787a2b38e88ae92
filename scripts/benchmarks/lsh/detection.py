"""How much of each fraud is caught, and how much of what is honest is not, on held-out receipts.

Width and thresholds come from the receipts with even numbers, every figure from the odd ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.lsh.exact_bounds import lower_bound, needed_trials, smallest_threshold, upper_bound
from rag.lsh.flip_curve import choose_width
from scripts.benchmarks.lsh.trials import Leaves, curve_gap

BOUND, CONFIDENCE, LEAST_CLIP = 0.01, 0.95, 0.25
LEAVES = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What a leaf, and the sum over four, may differ by, for one pair of machines: bits, mean
    clipped margin, and the clip, which no margin may reach: twice the worst honest one's."""

    width: float
    flips: int
    flips_of_four: int | None
    score: float
    clip: float


def even(leaves: Leaves) -> Leaves:
    """The part that parameters are chosen on."""
    return leaves.where(leaves.receipt % 2 == 0)


def odd(leaves: Leaves) -> Leaves:
    """The part that figures are reported on."""
    return leaves.where(leaves.receipt % 2 == 1)


def width_for(honest: Leaves, hardest: Leaves, bits: int) -> float:
    """The width that tells honest runs best from the hardest fraud, both from even receipts."""
    return choose_width(even(honest).distance, even(hardest).distance, bits, BOUND / 2).width


def rules_for(honest: Leaves, width: float, dithers: NDArray[np.float64]) -> Rules:
    """Thresholds that honest leaves exceed at most at a rate of 1 %, with confidence .95."""
    part = even(honest)
    flips = part.flips(width, dithers)
    clip = max(2 * float(np.nanmax(part.margins)), LEAST_CLIP)
    sums = of_four(part.receipt, flips)
    enough = len(sums) >= needed_trials(BOUND, CONFIDENCE)
    return Rules(
        width,
        int(smallest_threshold(flips.astype(float), BOUND, CONFIDENCE)[0]),
        int(smallest_threshold(sums.astype(float), BOUND, CONFIDENCE)[0]) if enough else None,
        smallest_threshold(part.scores(clip), BOUND, CONFIDENCE)[0],
        clip,
    )


def of_four(receipt: NDArray[np.int64], flips: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the receipts that have at least four leaves, of their first four."""
    order = np.argsort(receipt, kind="stable")
    _, start, count = np.unique(receipt[order], return_index=True, return_counts=True)
    first = start[count >= LEAVES]
    return np.asarray(flips[order][first[:, None] + np.arange(LEAVES)].sum(axis=1))


def caught(
    leaves: Leaves,
    rules: Rules,
    dithers: NDArray[np.float64],
    leaf: list[int] | None = None,
    held_out: bool = True,
) -> dict[str, Any]:
    """Shares of leaves that each check rejects, and that either does: of the odd receipts if they
    are ``held_out``, else of all, for a fraud that nothing was chosen on."""
    place = np.zeros(len(leaves), np.int64)
    for i in range(1, len(leaves)):
        place[i] = place[i - 1] + 1 if leaves.receipt[i] == leaves.receipt[i - 1] else 0
    counted = np.ones(len(leaves), bool)
    if leaf is not None:
        counted = place == np.array(leaf)[leaves.receipt]
    part = leaves.where(counted & (leaves.receipt % 2 == 1) if held_out else counted)
    flips = part.flips(rules.width, dithers)
    wrong = np.nanmax(part.margins, axis=1) >= rules.clip
    states, tokens = flips > rules.flips, (part.scores(rules.clip) > rules.score) | wrong
    found: dict[str, Any] = {
        "leaves": len(part),
        "distance": round(float(np.median(part.distance)), 5),
        "flips": float(np.median(flips)),
        "states": round(float(states.mean()), 5),
        "tokens": round(float(tokens.mean()), 5),
        "either": round(float((states | tokens).mean()), 5),
        "at_least": round(lower_bound(int((states | tokens).sum()), len(part), 0.975), 5),
    }
    if leaf is None:
        # A receipt is accepted only when each of its leaves passes both checks.
        passed = _receipts_passed(part.receipt, states | tokens)
        found |= {"receipts": len(passed), "receipts_accepted": int(passed.sum())}
        if rules.flips_of_four is not None:
            sums = of_four(part.receipt, flips)
            found["four_leaves"] = round(float((sums > rules.flips_of_four).mean()), 5)
    return found


def _receipts_passed(receipt: NDArray[np.int64], caught: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _, place = np.unique(receipt, return_inverse=True)
    return np.asarray(np.bincount(place, caught) == 0)


def rejected_wrongly(rejected: int, trials: int) -> dict[str, Any]:
    """A rate of honest rejections with its exact bound."""
    return {
        "rejected": rejected,
        "of": trials,
        "rate": rejected / trials,
        "at_most": upper_bound(rejected, trials, CONFIDENCE),
    }


def honest_rates(
    honest: Mapping[str, Leaves], width: float, dithers: NDArray[np.float64]
) -> tuple[dict[str, Rules], dict[str, Any]]:
    """Rules per pair, and what they reject of the odd receipts."""
    rules, rates = {}, {}
    for pair, leaves in honest.items():
        rules[pair] = rules_for(leaves, width, dithers)
        found = caught(leaves, rules[pair], dithers)
        rejected = round(found["either"] * found["leaves"])
        rates[pair] = {
            **rejected_wrongly(rejected, found["leaves"]),
            "threshold": rules[pair].flips,
            "token_threshold": rules[pair].score,
            "token_clip": rules[pair].clip,
            "distance": found["distance"],
            "flip_share": found["flips"] / len(dithers),
            "states": found["states"],
            "tokens": found["tokens"],
            "four_leaves": found.get("four_leaves"),
            "equal_tokens": round(float((np.nan_to_num(odd(leaves).margins) == 0).mean()), 5),
            "curve_gap": round(curve_gap(odd(leaves), width, dithers), 4),
        }
    return rules, rates
