"""Codes, receipts and checks of inference: what they cost and what they catch."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from scripts.benchmarks.lsh.detect import Bench, Plan, Runs, report
from scripts.benchmarks.lsh.subject import Subject, View, random_8b, trained_subject

EAGER, SINGLE = View("bfloat16", "eager"), View("float32", "sdpa")
GPU_VIEWS = (
    EAGER, SINGLE, View("float16", "sdpa"), View("bfloat16", "sdpa", "FLASH_ATTENTION"),
    View("bfloat16", "sdpa", "EFFICIENT_ATTENTION"), View("bfloat16", "sdpa", "CUDNN_ATTENTION"),
    View("bfloat16", "sdpa", "MATH"),
)  # fmt: skip


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--device", default="cpu", show_default=True, help="Where models run.")
@click.option("--shape", type=click.Choice(["tiny", "small", "8b"]), default="small")
@click.option("--receipts", type=int, help="Honest receipts of the main pair.")
@click.option("--seconds", type=float, default=1e9, help="When to stop making more of them.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--save", type=click.Path(path_type=Path), help="Distances and scores, as npz.")
def lsh(
    as_json: bool, device: str, shape: str, receipts: int | None, seconds: float, seed: int,
    save: Path | None,
) -> None:  # fmt: skip
    """Codes, receipts and checks of inference: what they cost and what they catch."""
    say = partial(click.echo, err=True)
    with TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], Mapping[str, Any]]] = {
            "detect": lambda: _detect(
                Path(folder), shape, device, receipts, seconds, seed, save, say
            ),
        }
        found = {name: part() for name, part in parts.items()}
    print(
        json.dumps(
            {"machine": _machine(device), "seed": seed, **found}, indent=None if as_json else 1
        )
    )


def _detect(
    folder: Path, shape: str, device: str, receipts: int | None, seconds: float, seed: int,
    save: Path | None, say: Callable[[str], None],
) -> Mapping[str, Any]:  # fmt: skip
    if shape == "8b":
        plan = Plan(receipts or 8_192, 1024, 256, 512, GPU_VIEWS, (1, 8, 64), 8, 64, seconds)
    else:
        plan = Plan(receipts or 1_280, 640, 128, 64, (EAGER, SINGLE), (1, 8), 8, 32, seconds)

    def make(number: int) -> Subject:
        if shape == "8b":
            return random_8b(seed + number, device)
        from rag.lsh.small_llama import SMALL, TINY

        size = SMALL if shape == "small" else TINY
        return trained_subject(folder / str(number), size, 400, "bfloat16", seed + number, device)

    subject = make(0)
    runs = Bench(subject, lambda: make(1), plan, seed, say).run()
    found = report(runs)
    if save is not None:
        _save(runs, found["width"], save)
    return {"model": subject.name, **found}


def _save(runs: Runs, width: float, file: Path) -> None:
    columns: dict[str, Any] = {}
    sets = {**runs.honest, **{name: leaves for name, (leaves, _) in runs.fraud.items()}}
    for name, leaves in sets.items():
        columns[f"{name}/receipt"] = leaves.receipt.astype(np.int32)
        columns[f"{name}/distance"] = leaves.distance.astype(np.float32)
        columns[f"{name}/flips"] = leaves.flips(width, runs.dithers).astype(np.int16)
        columns[f"{name}/margins"] = leaves.margins.astype(np.float16)
    np.savez_compressed(file, **columns)


def _machine(device: str) -> Mapping[str, Any]:
    import torch

    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "numpy")},
    }


if __name__ == "__main__":
    lsh()
