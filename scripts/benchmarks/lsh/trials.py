"""What a provider committed to beside what a verifier computes, leaf by leaf, before any rounding.

Projections are kept instead of codes, so that a width can be chosen afterwards from one part of
the runs and tried on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.causal_model import CausalModel
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.flip_curve import flip_probability
from rag.lsh.generation import Generation
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.sketch import Sketcher
from rag.lsh.token_check import token_margins
from rag.lsh.windows import WINDOW, window_vectors


@dataclass(frozen=True, slots=True)
class Leaves:
    """One row per leaf of 32 tokens; ``receipt`` (n,) says which leaves belong together.

    ``provider`` and ``verifier`` (n, bits) float32 are projections, ``distance`` (n,) the L2
    distance between the window vectors, ``margins`` (n, 32) the tokens', nan where none is.
    """

    receipt: NDArray[np.int64]
    provider: NDArray[np.float32]
    verifier: NDArray[np.float32]
    distance: NDArray[np.float64]
    margins: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.receipt)

    def where(self, kept: NDArray[np.bool_]) -> Leaves:
        """Some of the leaves."""
        names = ("receipt", "provider", "verifier", "distance", "margins")
        return Leaves(**{name: getattr(self, name)[kept] for name in names})

    def flips(self, width: float, dithers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Hamming distances of the codes of this width, shape (n,)."""
        both = [np.floor(part / width + 2 * dithers) % 2 for part in (self.provider, self.verifier)]
        return np.asarray((both[0] != both[1]).sum(axis=1))

    def scores(self, clip: float) -> NDArray[np.float64]:
        """Mean clipped margin of each leaf, shape (n,)."""
        return np.asarray(np.nanmean(np.minimum(self.margins, clip), axis=1))


def join(parts: Sequence[Leaves]) -> Leaves:
    """Several trials as one; receipts stay apart."""
    offsets = np.cumsum([0, *(int(part.receipt.max()) + 1 for part in parts[:-1])])
    receipt = [part.receipt + offset for part, offset in zip(parts, offsets, strict=True)]
    rest = ("provider", "verifier", "distance", "margins")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in rest}
    return Leaves(np.concatenate(receipt), **joined)


def judge(
    view: CausalModel,
    shown: Sequence[Generation],
    spec: DecodeSpec,
    seeds: Sequence[bytes],
    sketcher: Sketcher,
    batch: int = 32,
) -> Leaves:
    """Compare what providers show (prompt, tokens, and the states they committed to) with
    ``view``'s own pass over the same words."""
    parts = []
    for start in range(0, len(shown), batch):
        rows = shown[start : start + batch]
        passes = teacher_force_batch(view, [r.prompt for r in rows], [r.tokens for r in rows])
        for i, (row, found) in enumerate(zip(rows, passes, strict=True), start):
            own, other = window_vectors(found.states), window_vectors(row.states)
            count = len(own)
            margins = np.full(count * WINDOW, np.nan)
            margins[: len(row.tokens)] = token_margins(found.logits, row.tokens, seeds[i], spec)
            parts.append(
                Leaves(
                    np.full(count, i),
                    _host(sketcher.project(other)),
                    _host(sketcher.project(own)),
                    np.asarray((own - other).norm(dim=1).double().cpu().numpy()),
                    margins.reshape(count, WINDOW),
                )
            )
    names = ("receipt", "provider", "verifier", "distance", "margins")
    return Leaves(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def curve_gap(leaves: Leaves, width: float, dithers: NDArray[np.float64]) -> float:
    """Mean share of flipped bits over the closed form's for the very same distances, less 1."""
    expected = float(flip_probability(leaves.distance, width).mean())
    return float(leaves.flips(width, dithers).mean() / len(dithers)) / expected - 1


def _host(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)
