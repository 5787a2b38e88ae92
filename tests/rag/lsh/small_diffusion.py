"""A diffusion model small enough to train in a test: 16 x 16 images of four shapes, a UNet of
two levels and a deterministic DDIM sampler, all on one CPU thread.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SIDE = 16
CLASSES = 4
STEPS = 20
TIMES = 1000


@contextmanager
def one_thread() -> Iterator[None]:
    """Small layers only get slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def shapes(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Images (count, 1, 16, 16) in -1..1 and classes (count,): disc, ring, square or cross."""
    kind = rng.integers(CLASSES, size=count)
    x, y = (rng.uniform(5, 10, size=(count, 1, 1)) for _ in range(2))
    size = rng.uniform(3, 5, size=(count, 1, 1))
    grid = np.arange(SIDE)
    dx, dy = np.abs(grid[None, None, :] - x), np.abs(grid[None, :, None] - y)
    far, near, box = np.hypot(dx, dy), np.minimum(dx, dy), np.maximum(dx, dy)
    depth = np.choose(
        kind[:, None, None],
        [size - far, 1.2 - np.abs(size - far), size - box, np.minimum(1.2 - near, size - box)],
    )
    images = np.tanh(1.5 * depth)[:, None].astype(np.float32)
    return torch.from_numpy(images), torch.from_numpy(kind)


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shift by time and class, with a way past them."""

    def __init__(self, given: int, width: int, told: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(given, width, 3, padding=1)
        self.shift = nn.Linear(told, width)
        self.norm = nn.GroupNorm(4, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.past = nn.Conv2d(given, width, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        inside = self.norm(self.first(x)) + self.shift(told)[:, :, None, None]
        return self.past(x) + self.second(functional.silu(inside))


class Denoiser(nn.Module):
    """Predicts the noise in an image, given the time (0..999) and the class.

    A UNet over 2 x 2 patches: 8 x 8 with ``width`` channels, 4 x 4 with twice as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        told = 2 * width
        self.frequencies: Tensor
        self.register_buffer(
            "frequencies", torch.exp(-torch.arange(8) * math.log(TIMES) / 8), persistent=False
        )
        self.label = nn.Embedding(CLASSES, told)
        self.time = nn.Sequential(nn.Linear(16, told), nn.SiLU(), nn.Linear(told, told))
        self.down = Block(4, width, told)
        self.middle = Block(width, 2 * width, told)
        self.up = Block(3 * width, width, told)
        self.out = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, x: Tensor, time: Tensor, label: Tensor) -> Tensor:
        angle = time[:, None].float() * self.frequencies
        waves = torch.cat([angle.sin(), angle.cos()], dim=1).to(x.dtype)
        told = functional.silu(self.time(waves) + self.label(label))
        near = self.down(functional.pixel_unshuffle(x, 2), told)
        far = self.middle(functional.avg_pool2d(near, 2), told)
        back = functional.interpolate(far, scale_factor=2.0)
        back = self.up(torch.cat([back, near], dim=1), told)
        return functional.pixel_shuffle(self.out(functional.silu(back)), 2)


def signal_shares() -> NDArray[np.float64]:
    """The cumulative share of signal left at each of the 1000 times (cosine schedule of Nichol &
    Dhariwal, 2021).
    """
    angle = (np.arange(TIMES) / TIMES + 0.008) / 1.008 * np.pi / 2
    return np.asarray(np.clip(np.cos(angle) ** 2, 1e-4, 0.9999))


def train(seed: int, width: int = 16, updates: int = 120, batch: int = 32) -> Denoiser:
    """Train a denoiser on drawn shapes; the same seed gives the same weights on one machine."""
    rng = np.random.default_rng(seed)
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Denoiser(width)
        shares = torch.from_numpy(signal_shares()).float()
        adam = torch.optim.Adam(model.parameters(), lr=8e-3)
        sinking = torch.optim.lr_scheduler.OneCycleLR(adam, 8e-3, total_steps=updates)
        for _ in range(updates):
            images, labels = shapes(batch, rng)
            times = torch.randint(TIMES, (batch,))
            kept = shares[times][:, None, None, None]
            noise = torch.randn_like(images)
            guess = model(kept.sqrt() * images + (1 - kept).sqrt() * noise, times, labels)
            loss = functional.mse_loss(guess, noise)
            adam.zero_grad()
            loss.backward()
            adam.step()
            sinking.step()
    model.requires_grad_(False)
    return model.eval()


def quantized(model: Denoiser, bits: int) -> Denoiser:
    """The same model with the weights of its layers rounded to ``bits`` bits per output channel."""
    cheap = copy.deepcopy(model)
    for layer in cheap.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            weight = layer.weight.data
            scale = weight.abs().flatten(1).amax(1) / (2 ** (bits - 1) - 1)
            scale = scale.reshape(-1, *[1] * (weight.dim() - 1))
            layer.weight.data = (weight / scale).round() * scale
    return cheap


def nudged(model: Denoiser, share: float, seed: int) -> Denoiser:
    """The same model after noise of ``share`` of each weight tensor's deviation: a fine-tune."""
    other = copy.deepcopy(model)
    random = torch.Generator().manual_seed(seed)
    for weight in other.parameters():
        if weight.numel() > 1:
            weight.data += share * weight.std() * torch.randn(weight.shape, generator=random)
    return other


def typed(model: Denoiser, dtype: torch.dtype) -> Denoiser:
    """A copy of the model in another data type."""
    return copy.deepcopy(model).to(dtype)


@dataclass(frozen=True)
class Sampler:
    """DDIM without fresh noise (Song et al., 2021): ``steps`` steps of one model for one class.

    The network computes in the data type of its weights; latents stay float32. With ``even`` false
    the times are spaced otherwise: another scheduler.
    """

    model: Denoiser
    label: int
    steps: int = STEPS
    even: bool = True

    def times(self) -> NDArray[np.int64]:
        """The times the steps start from, descending, and -1 after the last."""
        share = np.linspace(1, 0, self.steps + 1)
        spaced = share if self.even else share**1.5
        return np.round(spaced * TIMES).astype(np.int64) - 1

    def step_all(self, latents: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """One step of a batch: float32 of shape (n, 256) to the same."""
        times = self.times()
        shares = np.append(signal_shares(), 1.0)  # at time -1 all is signal
        now, then = shares[times[index]], shares[times[index + 1]]
        count = len(latents)
        with one_thread(), torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(latents)).reshape(count, 1, SIDE, SIDE)
            noise = self.model(
                x.to(self.model.out.weight.dtype),
                torch.full((count,), int(times[index])),
                torch.full((count,), self.label),
            ).to(torch.float64)
            x = x.to(torch.float64)
            clean = (x - math.sqrt(1 - now) * noise) / math.sqrt(now)
            if index == 0:
                clean = clean.clamp(-3, 3)  # nearly no signal yet: the quotient explodes
            moved = math.sqrt(then) * clean + math.sqrt(1 - then) * noise
        return moved.reshape(count, -1).to(torch.float32).numpy()

    def __call__(self, latent: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        return self.step_all(latent[None], index)[0]

    def run_all(self, first: NDArray[np.float32]) -> NDArray[np.float32]:
        """All latents of a batch that starts at ``first``: shape (n, steps + 1, 256)."""
        states = [first]
        for index in range(self.steps):
            states.append(self.step_all(states[-1], index))
        return np.stack(states, axis=1)

    def rerun_all(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each single step again, from latents of shape (n, steps + 1, 256); [:, 0] is kept."""
        again = latents.copy()
        for index in range(self.steps):
            again[:, index + 1] = self.step_all(latents[:, index], index)
        return again


def picture(latent: NDArray[np.float32], scale: int = 8) -> NDArray[np.uint8]:
    """The image a latent of the last step stands for: uint8 of shape (128, 128, 3), smooth."""
    grey = torch.from_numpy(latent).reshape(1, 1, SIDE, SIDE)
    large = functional.interpolate(grey, scale_factor=float(scale), mode="bicubic")[0, 0]
    tone = ((large.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
    return np.repeat(tone[:, :, None], 3, axis=2)


def paint(rng: np.random.Generator, side: int = 128) -> NDArray[np.uint8]:
    """A picture with large and small shapes: uint8 of shape (side, side, 3)."""
    y, x = np.mgrid[:side, :side] / side
    found = np.zeros((side, side, 3))
    for _ in range(30):
        left, top, size = rng.uniform(0, 1, 3)
        turn, colour = rng.uniform(0, np.pi), rng.uniform(-1, 1, 3)
        waves = np.sin(2 * np.pi * rng.uniform(2, 12) * (x * np.cos(turn) + y * np.sin(turn)))
        spot = np.exp(-(np.hypot(x - left, y - top) ** 2) / (0.05 + 0.2 * size) ** 2)
        found += colour * (spot * (1 + waves))[..., None]
    low, high = found.min(), found.max()
    return np.asarray(255 * (found - low) / (high - low), dtype=np.uint8)


def cheats(
    true: Denoiser, small: Denoiser, label: int, first: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """What dishonest providers would commit to, from the right noise: (n, STEPS + 1, 256) each."""
    honest = Sampler(true, label)
    return {
        "int8": Sampler(quantized(true, 8), label).run_all(first),
        "int4": Sampler(quantized(true, 4), label).run_all(first),
        "weights_1pct": Sampler(nudged(true, 0.01, 5), label).run_all(first),
        "smaller_model": Sampler(small, label).run_all(first),
        "other_class": Sampler(true, (label + 1) % CLASSES).run_all(first),
        "other_schedule": Sampler(true, label, even=False).run_all(first),
        "half_the_steps": _between(Sampler(true, label, STEPS // 2).run_all(first)),
        "every_second_step": _lazy(honest, first, range(2, STEPS, 2)),
        "one_step_skipped": _lazy(honest, first, [STEPS // 2]),
        "old_image": np.concatenate(
            [first[:, None], honest.run_all(np.roll(first, 1, axis=0))[:, 1:]], axis=1
        ),
    }


def _between(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill in the steps that were not run, halfway between their neighbours."""
    count, states, numbers = latents.shape
    filled = np.empty((count, 2 * states - 1, numbers), dtype=np.float32)
    filled[:, ::2] = latents
    filled[:, 1::2] = (latents[:, 1:] + latents[:, :-1]) / 2
    return filled


def _lazy(
    sampler: Sampler, first: NDArray[np.float32], skipped: Sequence[int]
) -> NDArray[np.float32]:
    """Go on as in the step before instead of running the model in the ``skipped`` steps."""
    states = [first]
    for index in range(sampler.steps):
        if index in skipped:
            states.append(2 * states[-1] - states[-2])
        else:
            states.append(sampler.step_all(states[-1], index))
    return np.stack(states, axis=1)
