"""The trajectory of a diffusion sampler, committed step by step.

The provider publishes, for each *mark* (a state between two stretches of steps), a digest of the
latent and its dithered code. ``rag.lsh.latent_check`` re-runs one stretch of them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError
from rag.lsh.planes import BITS, SEED
from rag.lsh.sketch import Sketcher

Latent = NDArray[np.float32]
Step = Callable[[Latent, int], Latent]
"""step(latent, i): the latent after step i, both float32 of shape (d,). A sampler that remembers
earlier predictions keeps them in its latent."""

WIDTH = 10.0
"""Cell width in grains: honest runs of one grain apart flip 8 % of the bits."""
MAX_MARKS = 4096
MAX_DIMENSIONS = 1 << 18
"""16 x 128 x 128 numbers, the latent of a large image; their planes take 256 MB as float32."""


@dataclass(frozen=True, slots=True)
class TrajectorySpec:
    """What provider and verifier agree on before the image is made.

    ``marks`` are steps: 0 first, the number of steps last, increasing. ``grains`` has one L2
    distance per mark, for a latent of ``dimensions`` numbers: how far honest re-runs of the stretch
    that ends there usually are from each other; that of mark 0 is for the first latent itself.
    A re-run matches within ``reach`` grains, and its code within ``limit`` of 256 bits. Raises
    SketchError when these do not fit together.
    """

    dimensions: int
    marks: tuple[int, ...]
    grains: tuple[float, ...]
    reach: float
    limit: int
    seed: bytes = SEED

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in pairwise(self.marks))
        usable = all(math.isfinite(g) and g > 0 for g in (*self.grains, self.reach))
        if not 2 <= len(self.marks) <= MAX_MARKS or self.marks[0] != 0 or not rising:
            raise SketchError(
                "Marks must rise from 0.", f"Name 2 to {MAX_MARKS} steps, such as 0 1 2."
            )
        if len(self.grains) != len(self.marks) or not usable:
            raise SketchError(
                "Each mark needs a grain above 0, and the reach too.",
                "Calibrate with honest re-runs.",
            )
        if not 1 <= self.dimensions <= MAX_DIMENSIONS or not 0 <= self.limit < BITS // 2:
            raise SketchError(
                f"A limit of {self.limit} bits on {self.dimensions} numbers is out of range.",
                f"Take at most {MAX_DIMENSIONS} numbers and a limit below {BITS // 2}.",
            )

    @property
    def stretches(self) -> int:
        """How many stretches of steps lie between the marks."""
        return len(self.marks) - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What is published of one latent: 32 bytes of salted digest and 32 bytes of code; SketchError
    for other lengths.
    """

    digest: bytes
    code: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != 32 or len(self.code) != BITS // 8:
            raise SketchError("A mark is not two words of 32 bytes.", "Have it sent again.")


def first_latent(seed: bytes, dimensions: int) -> Latent:
    """Return standard normal noise, float32 of shape (dimensions,), from SHAKE-256 of ``seed``.

    Pairs of uint64 become uniforms in (0, 1) with 53 bits, then normals by Box and Muller. Two
    machines agree to the last bits of their sine and logarithm.
    """
    pairs = -(-dimensions // 2)
    stream = hashlib.shake_256(b"chainrep noise v1" + seed).digest(16 * pairs)
    words = np.frombuffer(stream, dtype=">u8").reshape(2, pairs) >> np.uint64(11)
    uniform = (words.astype(np.float64) + 0.5) / 2**53
    radius, angle = np.sqrt(-2 * np.log(uniform[0])), 2 * np.pi * uniform[1]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return normal[:dimensions].astype(np.float32)


def run_marks(step: Step, first: Latent, marks: Sequence[int]) -> Latent:
    """Run all steps from ``first``; float32 of shape (len(marks), d), the latent at each mark."""
    states = [first]
    for start, end in pairwise(marks):
        states.append(run_steps(step, states[-1], start, end))
    return np.stack(states)


def commit_latents(spec: TrajectorySpec, latents: Latent, salt: bytes) -> tuple[Mark, ...]:
    """Commit to the latents of ``run_marks``; SketchError for another shape or infinite values.

    A digest is SHA-256 of "chainrep latent v1" ‖ salt's SHA-256 ‖ uint32 BE mark ‖ the latent as
    float32 little-endian.
    """
    if latents.shape != (len(spec.marks), spec.dimensions):
        raise SketchError(
            f"Latents of shape {latents.shape} do not fit {len(spec.marks)} marks of"
            f" {spec.dimensions} numbers.",
            "Give the latent at each mark, flattened.",
        )
    codes = sketch_latents(spec, latents)
    return tuple(
        Mark(digest_latent(salt, i, pack_latent(latent)), codes[i].tobytes())
        for i, latent in enumerate(latents)
    )


def sketch_latents(spec: TrajectorySpec, latents: Latent) -> NDArray[np.uint8]:
    """Return codes, uint8 of shape (..., marks, 32), of latents of shape (..., marks, d)."""
    grains = np.asarray(spec.grains, dtype=np.float32)[:, None]
    rows = (latents / grains).reshape(-1, spec.dimensions)
    codes = Sketcher(spec.dimensions, WIDTH, BITS, spec.seed).codes(rows)
    return codes.reshape(*latents.shape[:-1], BITS // 8)


def pack_latent(latent: Latent) -> bytes:
    """Return the bytes that a provider sends to open a mark: float32, little-endian."""
    return latent.astype("<f4").tobytes()


def run_steps(step: Step, latent: Latent, start: int, end: int) -> Latent:
    """Run steps ``start`` to ``end`` - 1."""
    for index in range(start, end):
        latent = step(latent, index)
    return latent


def sketch_latent(spec: TrajectorySpec, index: int, latent: Latent) -> bytes:
    """Return the 32 bytes of code of the latent at one mark."""
    sketcher = Sketcher(spec.dimensions, WIDTH, BITS, spec.seed)
    return bytes(sketcher.codes((latent / np.float32(spec.grains[index]))[None])[0])


def digest_latent(salt: bytes, index: int, packed: bytes) -> bytes:
    """Return the digest of a packed latent at one mark; see ``commit_latents``."""
    bound = hashlib.sha256(salt).digest() + index.to_bytes(4, "big")
    return hashlib.sha256(b"chainrep latent v1" + bound + packed).digest()
