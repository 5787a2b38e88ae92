"""Images: what re-running one step of many catches, and what PDQ tells apart.

Calibrated on runs of one class and reported on others. A small diffusion model, CPU: figures say
how the check behaves, not how far a large model's kernels are apart.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rag.lsh.exact_bounds import lower_bound, upper_bound
from rag.lsh.images import MAX_DISTANCE, MIN_QUALITY, ImageHash, hash_image, read_image
from rag.lsh.latent_check import calibrate_latents, draw_stretch, random_accept
from rag.lsh.latents import Latent, TrajectorySpec, first_latent, sketch_latents
from tests.rag.lsh.small_diffusion import (
    CLASSES,
    SIDE,
    STEPS,
    Denoiser,
    Sampler,
    cheats,
    paint,
    picture,
    train,
    typed,
)

CALIBRATION = 60
DRAWN = 200
"""Cheated images per attack, each with one drawn step."""
BATCH = 50
SIDES = 0.975  # two one-sided bounds: an interval of 95 %


def measure_images(seed: int, runs: int = 500, paintings: int = 300) -> dict[str, Any]:
    """Train, calibrate, attack.

    ``runs`` honest images of 20 steps are re-run in float16, which takes most of the time, and an
    eighth as many in bfloat16; ``paintings`` are the pictures for PDQ.
    """
    true, small = train(seed), train(seed + 1, width=8, updates=100)
    claims = cheats(true, small, 1, noises(seed, "cheats", DRAWN))
    trials = {name: (made, Sampler(true, 1).rerun_all(made)) for name, made in claims.items()}
    return {
        "calibrated_fp16": _trajectories(true, torch.float16, trials, seed, runs),
        "calibrated_bf16": _trajectories(true, torch.bfloat16, trials, seed, max(50, runs // 8)),
        "pdq": _pdq(true, seed, paintings),
    }


def false_stretches(spec: TrajectorySpec, claimed: Latent, again: Latent) -> NDArray[np.bool_]:
    """Which stretches a verifier would reject: bool of shape (n, stretches)."""
    apart = np.linalg.norm(again - claimed, axis=2)[:, 1:] / np.asarray(spec.grains[1:])
    codes = sketch_latents(spec, claimed) ^ sketch_latents(spec, again)
    bits = np.bitwise_count(codes).sum(axis=2)[:, 1:]
    return np.asarray((apart > spec.reach) | (bits > spec.limit))


def noises(seed: int, name: str, count: int) -> Latent:
    """First latents of ``count`` jobs."""
    return np.stack([first_latent(f"{seed} {name} {i}".encode(), SIDE**2) for i in range(count)])


def _trajectories(
    true: Denoiser,
    dtype: torch.dtype,
    trials: dict[str, tuple[Latent, Latent]],
    seed: int,
    runs: int,
) -> dict[str, Any]:
    other = typed(true, dtype)
    tuned = Sampler(true, 0).run_all(noises(seed, "calibration", CALIBRATION))
    spec = calibrate_latents(range(STEPS + 1), tuned, Sampler(other, 0).rerun_all(tuned))
    rejected, checked = 0, 0
    for part in range(runs // BATCH):
        label = 1 + part % (CLASSES - 1)
        latents = Sampler(true, label).run_all(noises(seed, f"honest {part}", BATCH))
        false = false_stretches(spec, latents, Sampler(other, label).rerun_all(latents))
        rejected, checked = rejected + int(false.sum()), checked + false.size
    return {
        "limit_bits": spec.limit,
        "reach_grains": round(spec.reach, 2),
        "random_accept": random_accept(spec.limit),
        "honest_stretches": checked,
        "honest_rejected": rejected,
        "honest_rejected_at_most": upper_bound(rejected, checked, SIDES),
        "cost": 1 / STEPS,
        "recall": {name: _recall(spec, *trial, seed) for name, trial in trials.items()},
    }


def _recall(spec: TrajectorySpec, claimed: Latent, again: Latent, seed: int) -> dict[str, Any]:
    """One drawn stretch per image, and the share of all stretches that is false."""
    false = false_stretches(spec, claimed, again)
    drawn = [draw_stretch(f"{seed} {i}".encode(), b"", STEPS) for i in range(len(false))]
    caught = int(false[np.arange(len(false)), drawn].sum())
    return {
        "one_draw": caught / len(false),
        "interval": [
            lower_bound(caught, len(false), SIDES),
            upper_bound(caught, len(false), SIDES),
        ],
        "all_steps": float(false.any(axis=1).mean()),
        "false_share": float(false.mean()),
    }


def _pdq(true: Denoiser, seed: int, paintings: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    pictures = [paint(rng) for _ in range(paintings)]
    hashed = [hash_image(one) for one in pictures]
    good = [i for i, one in enumerate(hashed) if one.quality >= MIN_QUALITY]
    kept, pictures = [hashed[i] for i in good], [pictures[i] for i in good]
    first = noises(seed, "pdq", 100)
    made = [hash_image(picture(x)) for x in Sampler(true, 1).run_all(first)[:, -1]]
    half = Sampler(typed(true, torch.float16), 1).run_all(first)[:, -1]
    again = [hash_image(picture(x)) for x in half]
    strangers, same_class = _impostors(kept), _impostors(made)
    return {
        "quality_below_50": 1 - len(kept) / len(hashed),
        "random_accept": random_accept(MAX_DISTANCE),
        "impostors": _spread(strangers),
        "same_class_impostors": _spread(same_class),
        "same_image": {
            "fp16_rerun": _matched([_bits(a, b) for a, b in zip(made, again, strict=True)]),
            **{
                f"jpeg_{q}": _matched(
                    [_bits(h, hash_image(jpeg(p, q))) for p, h in zip(pictures, kept, strict=True)]
                )
                for q in (90, 60, 30)
            },
            **{
                f"noise_{n}": _matched(
                    [
                        _bits(h, hash_image(noisy(p, n, rng)))
                        for p, h in zip(pictures, kept, strict=True)
                    ]
                )
                for n in (4, 16)
            },
        },
        "defaced_matched": {
            f"square_{side}_of_128": _matched(
                [
                    _bits(h, hash_image(deface(p, side, rng)))
                    for p, h in zip(pictures, kept, strict=True)
                ]
            )
            for side in (16, 32, 48, 64)
        },
    }


def jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The image after JPEG."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return read_image(file.getvalue())


def noisy(
    image: NDArray[np.uint8], deviation: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The image with normal noise on each channel."""
    return np.clip(image + rng.normal(0, deviation, image.shape), 0, 255).astype(np.uint8)


def deface(image: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The image with a square of one colour somewhere."""
    y, x = rng.integers(0, len(image) - side, 2)
    defaced = image.copy()
    defaced[y : y + side, x : x + side] = rng.integers(0, 256, 3)
    return defaced


def _bits(one: ImageHash, other: ImageHash) -> int:
    return (int.from_bytes(one.word, "big") ^ int.from_bytes(other.word, "big")).bit_count()


def _impostors(hashes: list[ImageHash]) -> NDArray[np.int64]:
    words = np.array([np.frombuffer(one.word, np.uint8) for one in hashes])
    bits = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2, dtype=np.int64)
    return np.asarray(bits[np.triu_indices(len(words), 1)], np.int64)


def _spread(bits: NDArray[np.int64]) -> dict[str, Any]:
    """Pairs share images, so that the bound on the rate is a little too small."""
    matched = int((bits <= MAX_DISTANCE).sum())
    return {
        "pairs": len(bits),
        "matched": matched,
        "matched_at_most": upper_bound(matched, len(bits), SIDES),
        "least": int(bits.min()),
        "mean": round(float(bits.mean()), 2),
        "deviation": round(float(bits.std()), 2),
    }


def _matched(bits: list[int]) -> dict[str, Any]:
    matched = sum(one <= MAX_DISTANCE for one in bits)
    return {
        "share": matched / len(bits),
        "interval": [
            lower_bound(matched, len(bits), SIDES),
            upper_bound(matched, len(bits), SIDES),
        ],
        "largest": max(bits),
    }
