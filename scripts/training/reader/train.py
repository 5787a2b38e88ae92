"""The training: passes over the examples under one learning-rate schedule, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoTokenizer

from rag.encoder import offline_folder, quiet, torch_threads
from scripts.training.reader.checkpoint import Course
from scripts.training.reader.examples import Example, ramdocs_file, squad_file
from scripts.training.reader.neighbours import lexical_neighbours
from scripts.training.reader.net import SpanNet, learn
from scripts.training.reader.stream import Point, Stream
from scripts.training.reader.windows import Tokenised

SQUAD_FILES = ("squadshifts_reddit.json", "squadshifts_amazon_reviews.json")
RAMDOCS_FILE = "ramdocs_test.jsonl"
RAMDOCS_REPEATS = 2
"""Its documents are from Wikipedia, unlike the rest, and few."""

WINDOW = 384
"""The longest window in tokens: what the reader is shown at most, but for a few."""

WARMUP = 0.05
HEAD_RATE = 5.0
REPORT_EVERY = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """``data`` is the folder of the training files, ``out`` that of the checkpoint.

    ``passes`` over the data are made, or fewer if ``minutes`` are over before. ``rate`` is the
    highest learning rate; ``frozen`` layers, the lowest, stay as they are.
    """

    data: Path
    out: Path
    device: str = "cpu"
    threads: int = 2
    batch: int = 64
    passes: float = 8.0
    minutes: float = math.inf
    rate: float = 3e-4
    save_every: float = 180.0
    seed: int = 1
    frozen: int = 0
    dropout: bool = True

    @property
    def checkpoint(self) -> Path:
        """The file that a stopped training goes on from."""
        return self.out / "checkpoint.pt"


def train(settings: Settings, say: Callable[[str], None]) -> int:
    """Train to the end, from the last checkpoint if there is one; return the number of steps.

    The same settings and data give the same weights on one machine's processor, also over a stop,
    unless ``minutes`` ended it. A line of progress is said every few steps.
    """
    with torch_threads(settings.threads):
        return _train(settings, say)


def _train(settings: Settings, say: Callable[[str], None]) -> int:
    torch.backends.cuda.matmul.allow_tf32 = True
    settings.out.mkdir(parents=True, exist_ok=True)
    examples, neighbours = training_examples(settings.data)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(offline_folder(), trust_remote_code=False)
        tokens = Tokenised(tokenizer, examples)
    stream = Stream(examples, neighbours, tokens, settings.batch, WINDOW, settings.seed)
    net = SpanNet(settings.device, settings.frozen, settings.dropout)
    optimizer = _optimizer(net, settings.rate)
    tops = [group["lr"] for group in optimizer.param_groups]
    course = Course(net.trained(), optimizer)
    if settings.checkpoint.exists():
        course.resume(settings.checkpoint, settings.device)
    whole = settings.passes * len(examples) / settings.batch
    count = sum(p.numel() for p in course.trained.values())
    say(
        f"{len(examples):,} examples, {count:,} trained parameters, at most {whole:,.0f} steps; "
        f"from step {course.step}"
    )

    def progress() -> float:
        return max(course.step / whole, course.seconds / (60.0 * settings.minutes))

    saved, losses = time.monotonic(), list[float]()
    while progress() < 1.0:
        for after, batch in stream.chunk(course.point):
            if (done := progress()) >= 1.0:
                break
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["lr"] = top * schedule(done)
            # Dropout is drawn anew from the step's number, so that a stop changes nothing.
            torch.manual_seed((settings.seed << 32) + course.step)
            losses.append(learn(net, batch, settings.device))
            nn.utils.clip_grad_norm_(list(course.trained.values()), 1.0)
            course.advance(after)
            if time.monotonic() - saved >= settings.save_every:
                course.save(settings.checkpoint)
                saved = time.monotonic()
            if len(losses) == REPORT_EVERY:
                say(_line(course.step, course.point, done, losses, course.seconds))
                losses.clear()
    course.save(settings.checkpoint)
    return course.step


def schedule(progress: float) -> float:
    """Return the learning rate's factor 0..1 at a part of the training: up, then down."""
    return max(0.0, min(progress / WARMUP, (1.0 - progress) / (1.0 - WARMUP)))


def training_examples(data: Path) -> tuple[list[Example], list[tuple[str, ...]]]:
    """Return the examples that are not held out and, for each, texts that do not answer it."""
    examples: list[Example] = []
    neighbours: list[tuple[str, ...]] = []
    for file in SQUAD_FILES:
        part = [e for e in squad_file(data / file) if not e.held_out]
        examples += part
        neighbours += lexical_neighbours(part)
    documents = [e for e in ramdocs_file(data / RAMDOCS_FILE) if not e.held_out]
    for _ in range(RAMDOCS_REPEATS):
        examples += documents
        neighbours += [()] * len(documents)
    return examples, neighbours


def _optimizer(net: SpanNet, rate: float) -> torch.optim.Optimizer:
    """AdamW; the new layer learns faster, and only matrices of the old ones decay."""
    trained = net.trained()
    head = [p for name, p in trained.items() if name.startswith("head.")]
    body = [p for name, p in trained.items() if not name.startswith("head.")]
    groups = [
        {"params": [p for p in body if p.ndim >= 2], "lr": rate, "weight_decay": 0.01},
        {"params": [p for p in body if p.ndim < 2], "lr": rate, "weight_decay": 0.0},
        {"params": head, "lr": HEAD_RATE * rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def _line(step: int, at: Point, done: float, losses: list[float], seconds: float) -> str:
    loss = sum(losses) / len(losses)
    return f"step {step}, pass {at.round}, {done:.1%}, loss {loss:.3f}, {seconds:.0f} s"
