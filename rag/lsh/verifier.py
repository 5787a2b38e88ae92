"""A verifier's work: run prompt and answer through one's own model once, compare, and decide.

Everything here is arrays and tokens: ``receipts`` checks what needs no model, and hands over what
it found wrong as ``flaws``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from rag.causal_model import CausalModel
from rag.errors import SketchError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.prefill import teacher_force
from rag.lsh.sketch import Sketcher, sign_word_of
from rag.lsh.token_check import TokenCheck, token_margins
from rag.lsh.windows import WINDOW, window_vectors

CHANCE = 1e-6
"""One leaf alone is enough for a mismatch where an honest one goes as far with less than this."""


class Verdict(Enum):
    """What a verifier says of a receipt."""

    MATCH = "match"
    MISMATCH = "mismatch"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far apart honest runs on one pair of machines are, as a calibration found.

    ``leaf`` bits of a leaf may differ, ``sums[n]`` bits of n leaves in a row together.
    """

    leaf: int
    sums: Mapping[int, int]
    tokens: TokenCheck


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What one's own model makes of an answer: codes (n, bits / 8) uint8, the sign word, and by
    how much each token falls short of the model's choice, float64 (m,)."""

    codes: NDArray[np.uint8]
    sign_word: bytes
    margins: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LeafFinding:
    """One leaf: bits that differ, the tokens' mean clipped margin over 32 places, and the largest
    margin of one token."""

    place: int
    distance: int
    token_score: float
    worst: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict, in sentences why, and what every leaf showed (none where nothing was run)."""

    verdict: Verdict
    reasons: tuple[str, ...]
    leaves: tuple[LeafFinding, ...] = ()
    limits: Limits | None = None


def recompute(
    model: CausalModel,
    prompt: Sequence[int],
    output: Sequence[int],
    seed: bytes,
    decode: DecodeSpec,
    sketcher: Sketcher,
) -> Recomputed:
    """Run the words through the model in one pass. ``seed`` is the sampler's, 32 bytes.

    Raises ModelError where the words do not fit the model, SketchError where the sketcher does not.
    """
    found = teacher_force(model, prompt, output)
    projected = sketcher.project(window_vectors(found.states))
    margins = token_margins(found.logits, output, seed, decode)
    return Recomputed(sketcher.quantize(projected), sign_word_of(projected), margins)


def judge(
    codes: Sequence[bytes],
    sign_word: bytes,
    own: Recomputed,
    limits: Limits | None,
    flaws: Sequence[str] = (),
) -> Finding:
    """Compare a receipt's codes and sign word with one's own and decide.

    A flaw is a mismatch. So are two leaves beyond their limit, several in a row beyond theirs
    together, a code so far off that honest runs do not get there, or a single token that falls
    short by the clip; one leaf that is only a little beyond decides nothing. Without limits for the
    pair of machines nothing is decided.
    """
    bits = own.codes.shape[1] * 8
    given = np.frombuffer(b"".join(codes), np.uint8).reshape(len(codes), -1)
    if given.shape != own.codes.shape:
        raise SketchError(
            f"The receipt's codes are {given.shape}, one's own {own.codes.shape} bytes.",
            "Take the calibration that the receipt names.",
        )
    clip = limits.tokens.clip if limits else math.inf
    distances = np.bitwise_count(given ^ own.codes).sum(axis=1).tolist()
    leaves = _leaves(own.margins, clip, distances)
    if flaws:
        return Finding(Verdict.MISMATCH, tuple(flaws), leaves, limits)
    if limits is None:
        reason = "The calibration does not know this pair of machines, so nothing can be decided."
        return Finding(Verdict.INCONCLUSIVE, (reason,), leaves)
    reasons = [
        *sign_flaws(sign_word, own.sign_word),
        *_sum_flaws(distances, limits.sums),
    ]
    beyond = [leaf for leaf in leaves if _beyond(leaf, limits)]
    far = [leaf for leaf in beyond if _far_beyond(leaf, limits, bits)]
    if reasons or far or len(beyond) > 1:
        words = [_described(leaf, limits) for leaf in beyond]
        return Finding(Verdict.MISMATCH, (*reasons, *words), leaves, limits)
    if beyond:
        words = [
            _described(beyond[0], limits),
            "One leaf alone decides nothing: check another run.",
        ]
        return Finding(Verdict.INCONCLUSIVE, tuple(words), leaves, limits)
    return Finding(Verdict.MATCH, ("Every leaf is as close as honest runs are.",), leaves, limits)


def token_scores(margins: NDArray[np.float64], clip: float) -> list[float]:
    """Return each leaf's sum of clipped margins over 32: a short last leaf counts for less."""
    starts = range(0, len(margins), WINDOW)
    return [float(np.minimum(margins[i : i + WINDOW], clip).sum()) / WINDOW for i in starts]


def sign_flaws(given: bytes, own: bytes) -> list[str]:
    """Say so where more than a quarter of a sign word's bits differ.

    Unrelated words differ in so few bits with a chance below 1e-8 at 128 bits and 1e-15 at 256.
    """
    distance = sum((a ^ b).bit_count() for a, b in zip(given, own, strict=False))
    if distance <= 2 * len(own):
        return []
    return [f"The sign words differ in {distance} of {8 * len(own)} bits: the codes were shifted."]


def token_flaws(own: Recomputed, limits: Limits) -> list[str]:
    """Say so where the tokens of several leaves, or of one by far, are not the model's choice."""
    leaves = _leaves(own.margins, limits.tokens.clip, [0] * len(own.codes))
    beyond = [leaf for leaf in leaves if _beyond(leaf, limits)]
    if len(beyond) > 1 or any(_far_beyond(leaf, limits, 8 * own.codes.shape[1]) for leaf in beyond):
        return [_described(leaf, limits) for leaf in beyond]
    return []


def _leaves(
    margins: NDArray[np.float64], clip: float, distances: Sequence[int]
) -> tuple[LeafFinding, ...]:
    scores = token_scores(margins, clip)
    worst = [float(margins[i : i + WINDOW].max()) for i in range(0, len(margins), WINDOW)]
    rows = zip(distances, scores, worst, strict=True)
    return tuple(LeafFinding(i, int(d), s, w) for i, (d, s, w) in enumerate(rows))


def _beyond(leaf: LeafFinding, limits: Limits) -> bool:
    far = leaf.distance > limits.leaf or leaf.token_score > limits.tokens.threshold
    return far or leaf.worst >= limits.tokens.clip


def _far_beyond(leaf: LeafFinding, limits: Limits, bits: int) -> bool:
    """A token that is wrong altogether, or more bits than a leaf at its limit ever shows.

    The clip is twice what the worst honest token of the calibration fell short by. In a mean over
    32 places one such token could hide: an answer of an end token alone, say.
    """
    return (
        leaf.worst >= limits.tokens.clip
        or _tail(leaf.distance, bits, max(limits.leaf, 1) / bits) < CHANCE
    )


def _tail(count: int, bits: int, share: float) -> float:
    """The chance of ``count`` flips or more where each bit flips with this chance."""
    return sum(
        math.comb(bits, k) * share**k * (1 - share) ** (bits - k) for k in range(count, bits + 1)
    )


def _sum_flaws(distances: Sequence[int], sums: Mapping[int, int]) -> list[str]:
    flaws = []
    for count, limit in sorted(sums.items()):
        groups = range(0, len(distances) - count + 1, count)
        for start in groups:
            found = sum(distances[start : start + count])
            if found > limit:
                flaws.append(
                    f"Leaves {start} to {start + count - 1} differ in {found} bits together, "
                    f"honest ones in at most {limit}."
                )
    return flaws


def _described(leaf: LeafFinding, limits: Limits) -> str:
    parts = []
    if leaf.distance > limits.leaf:
        parts.append(f"{leaf.distance} bits differ, {limits.leaf} may")
    if leaf.token_score > limits.tokens.threshold:
        parts.append(
            f"its tokens fall short of the model's choice by {leaf.token_score:.3f}, "
            f"{limits.tokens.threshold:.3f} is usual"
        )
    if leaf.worst >= limits.tokens.clip:
        parts.append(f"one token falls short by {leaf.worst:.2f}, which no honest one does")
    return f"Leaf {leaf.place}: {'; '.join(parts)}."
