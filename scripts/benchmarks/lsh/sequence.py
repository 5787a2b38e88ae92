"""The test over receipts: whether it ever rejects an honest provider, and how soon a cheat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.lsh.exact_bounds import upper_bound
from rag.lsh.sequential import Evidence, SequentialTest, add_receipt, honest_curve

ALPHA, DELTA, CONFIDENCE = 1e-4, 0.05, 0.95
HISTORY = 20
MOST_RECEIPTS = 200

Scores = NDArray[np.float64]
LeafColumns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Receipt numbers, Hamming distances and token scores of leaves, each (n,)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Two tests of one provider, each with half of the chance to be wrong."""

    codes: SequentialTest
    tokens: SequentialTest

    def ends(self, receipts: Sequence[tuple[Scores, Scores]]) -> int | None:
        """After how many receipts either test rejects, or None."""
        codes, tokens = Evidence(), Evidence()
        for i, (flips, scores) in enumerate(receipts, 1):
            codes = add_receipt(self.codes, codes, flips)
            tokens = add_receipt(self.tokens, tokens, scores)
            if codes.rejected or tokens.rejected:
                return i
        return None


def measure_sequence(
    honest: Mapping[str, LeafColumns],
    frauds: Mapping[str, LeafColumns],
    main: str,
    bits: int,
    clip: float,
) -> dict[str, Any]:
    """Honest histories of 20 receipts, and how many receipts of each fraud it takes.

    Every pair's even receipts make the curves for its odd ones, and the other way round, so that
    each honest leaf is tested once and never against itself. A fraud is told by the main pair's.
    """
    rows: dict[str, Any] = {}
    total = ended = histories = 0
    for pair, leaves in honest.items():
        whole = 0
        for part in (0, 1):
            watch = _watch(_some(leaves, leaves[0] % 2 != part), bits, clip)
            held = _receipts(_some(leaves, leaves[0] % 2 == part))
            cuts = [held[i : i + HISTORY] for i in range(0, len(held), HISTORY)]
            histories += len(cuts)
            ended += sum(watch.ends(cut) is not None for cut in cuts)
            whole += watch.ends(held) is not None
        total += len(leaves[0])
        rows[pair] = {"leaves": len(leaves[0]), "rejected_as_one": whole}
    watch = _watch(_some(honest[main], honest[main][0] % 2 == 0), bits, clip)
    return {
        "alpha": ALPHA, "delta": DELTA, "honest_leaves": total, "histories": histories,
        "rejected": ended, "per_leaf_at_most": upper_bound(ended, total, CONFIDENCE),
        "pairs": rows,
        "receipts_until_rejection": {name: _soon(watch, found) for name, found in frauds.items()},
    }  # fmt: skip


def _watch(leaves: LeafColumns, bits: int, clip: float) -> Watch:
    _, flips, scores = leaves
    return Watch(
        SequentialTest(honest_curve(flips, DELTA / 2), ALPHA / 2, float(bits)),
        SequentialTest(honest_curve(scores, DELTA / 2), ALPHA / 2, clip),
    )


def _some(leaves: LeafColumns, kept: NDArray[np.bool_]) -> LeafColumns:
    return leaves[0][kept], leaves[1][kept], leaves[2][kept]


def _receipts(leaves: LeafColumns) -> list[tuple[Scores, Scores]]:
    receipt, flips, scores = leaves
    return [(flips[receipt == n], scores[receipt == n]) for n in np.unique(receipt)]


def _soon(watch: Watch, leaves: LeafColumns) -> dict[str, Any]:
    """Receipts until rejection, over histories that begin at every receipt and go around."""
    held = _receipts(leaves)
    ends = [
        watch.ends([held[(start + i) % len(held)] for i in range(MOST_RECEIPTS)])
        for start in range(0, len(held), max(1, len(held) // 64))
    ]
    known = [MOST_RECEIPTS + 1 if end is None else end for end in ends]
    return {
        "median": float(np.median(known)), "worst": max(known), "missed": ends.count(None),
        "of": len(ends),
    }  # fmt: skip
