"""Re-running one drawn stretch of a committed trajectory: did the promised model draw this image?

After the provider committed, one stretch is drawn; the provider opens the latents at its two ends,
and the verifier runs the true model from the first and compares with the second. A cheat is found
as often as it saves: one false stretch of N in one of N draws.

Both ends are opened because the planes of a code are public: whoever knows where the true model
arrives can commit to another latent with the same code. The code alone serves where latents are too
large, such as on a chain, between parties who ran the model.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rag.errors import CalibrationError, SketchError
from rag.lsh.latents import (
    Latent,
    Mark,
    Step,
    TrajectorySpec,
    digest_latent,
    first_latent,
    run_steps,
    sketch_latent,
    sketch_latents,
)
from rag.lsh.planes import BITS, SEED

FINEST = 1e-5
"""Least grain, as a share of the latent's length: below it float32 projections are not exact."""
ROUNDING = 8
"""Bits in which two machines' codes of the *same* latent may differ."""
LARGEST = 1e6
"""Samplers keep latents below about 200; a larger value would only make the true model overflow."""
MAX_RANDOM = 1e-9


@dataclass(frozen=True, slots=True)
class StretchCheck:
    """The outcome for one stretch: how many bits the codes differ in, how many grains the latents
    are apart, and for a mismatch the reason. The numbers are -1 where the model was not run.
    """

    verdict: Literal["match", "mismatch"]
    distance: int
    apart: float
    reason: str


def draw_stretch(beacon: bytes, root: bytes, stretches: int) -> int:
    """Return the stretch to re-run: SHA-256 of "chainrep stretch v1" ‖ root ‖ beacon, modulo.

    ``root`` commits to the marks (32 bytes), and ``beacon`` must not be known before it is sent.
    """
    drawn = hashlib.sha256(b"chainrep stretch v1" + root + beacon).digest()
    return int.from_bytes(drawn, "big") % stretches


def check_first(
    spec: TrajectorySpec, mark: Mark, opened: bytes, salt: bytes, seed: bytes
) -> StretchCheck:
    """Check that the first latent is the noise of the agreed ``seed``; needs no model.

    Without it a provider would sell the same finished trajectory to everybody.
    """
    problem, latent = _open(spec, 0, mark, opened, salt)
    if latent is None:
        return StretchCheck("mismatch", -1, -1.0, problem)
    if not np.allclose(latent, first_latent(seed, spec.dimensions), rtol=0, atol=1e-5):
        return StretchCheck("mismatch", -1, -1.0, "the first latent is not the noise of the seed")
    return StretchCheck("match", 0, 0.0, "")


def check_stretch(
    spec: TrajectorySpec,
    index: int,
    marks: tuple[Mark, Mark],
    opened: tuple[bytes, bytes],
    salt: bytes,
    step: Step,
) -> StretchCheck:
    """Run stretch ``index`` of the true model between two published marks that were ``opened``.

    What a provider sends never raises: latents that are not the committed ones, or not finite, are
    a mismatch, and so is one from which the model overflows. SketchError when ``index`` is out of
    range.
    """
    if not 0 <= index < spec.stretches:
        raise SketchError(f"There is no stretch {index}.", f"Draw one below {spec.stretches}.")
    problem, start = _open(spec, index, marks[0], opened[0], salt)
    if start is not None:
        problem, claimed = _open(spec, index + 1, marks[1], opened[1], salt)
    if start is None or claimed is None:
        return StretchCheck("mismatch", -1, -1.0, problem)
    end = run_steps(step, start, spec.marks[index], spec.marks[index + 1])
    if not bool((np.abs(end) <= LARGEST).all()):
        return StretchCheck("mismatch", -1, -1.0, "the true model overflows from the opened latent")
    apart = float(np.linalg.norm(end - claimed)) / spec.grains[index + 1]
    distance = _hamming(sketch_latent(spec, index + 1, end), marks[1].code)
    if apart > spec.reach or distance > spec.limit:
        return StretchCheck("mismatch", distance, apart, "the true model arrives elsewhere")
    return StretchCheck("match", distance, apart, "")


def calibrate_latents(
    marks: Sequence[int], honest: Latent, again: Latent, seed: bytes = SEED
) -> TrajectorySpec:
    """Choose grains and limit from honest runs: latents of shape (runs, marks, d), and the same
    stretches run ``again`` from them on another machine, data type or batch; again[:, 0] is unused.

    A grain is the median distance, at least 1e-5 of the latent's length; the reach is twice the
    largest distance seen; the limit is the largest Hamming distance seen plus three standard
    deviations of a binomial. Raises CalibrationError with fewer than 20 runs, or when a random code
    would pass with more than 1e-9.
    """
    if len(honest) < 20 or honest.shape != again.shape:
        raise CalibrationError("There are too few honest runs.", "Give 20 or more, run twice.")
    lengths = np.median(np.linalg.norm(honest, axis=2), axis=0)
    apart = np.linalg.norm(again - honest, axis=2)
    grains = np.maximum(np.median(apart, axis=0), FINEST * lengths)
    grains[0] = FINEST * lengths[0]
    reach = 2 * max(1.0, float((apart / grains)[:, 1:].max()))
    fitted = tuple(float(grain) for grain in grains)
    spec = TrajectorySpec(honest.shape[2], tuple(marks), fitted, reach, 0, seed)
    codes = sketch_latents(spec, honest)[:, 1:] ^ sketch_latents(spec, again)[:, 1:]
    worst = int(np.bitwise_count(codes).sum(axis=2).max())
    limit = worst + math.ceil(3 * math.sqrt(worst * (1 - worst / BITS)))
    if random_accept(limit) > MAX_RANDOM:
        raise CalibrationError(
            f"Honest runs differ in up to {worst} of {BITS} bits.",
            "Calibrate machines and data types that are closer to each other.",
        )
    return replace(spec, limit=limit)


def random_accept(limit: int, bits: int = BITS) -> float:
    """Return the exact chance that a random code is within ``limit`` bits (binomial tail)."""
    return float(sum(math.comb(bits, i) for i in range(limit + 1)) / 2**bits)


def _open(
    spec: TrajectorySpec, index: int, mark: Mark, opened: bytes, salt: bytes
) -> tuple[str, Latent | None]:
    if len(opened) != 4 * spec.dimensions or digest_latent(salt, index, opened) != mark.digest:
        return "the opened latent is not the committed one", None
    latent = np.frombuffer(opened, dtype="<f4").astype(np.float32)
    if not bool((np.abs(latent) <= LARGEST).all()):
        return "the opened latent has values no sampler has", None
    if _hamming(sketch_latent(spec, index, latent), mark.code) > ROUNDING:
        return "the opened latent does not have the committed code", None
    return "", latent


def _hamming(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
