"""Codes, receipts and checks of inference: what they cost and what they catch."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from scripts.benchmarks.lsh.detect import Bench, Plan, Runs, report
from scripts.benchmarks.lsh.subject import Subject, View, random_8b, trained_subject

TOPLOC_BYTES = 258
"""Of TOPLOC for 32 tokens, as its paper and code state (arXiv 2501.16007)."""

CPU_VIEWS = (View("bfloat16", "eager"), View("float32", "sdpa"))
GPU_VIEWS = (
    *CPU_VIEWS, View("float16", "sdpa"), View("bfloat16", "sdpa", "FLASH_ATTENTION"),
    View("bfloat16", "sdpa", "CUDNN_ATTENTION"), View("bfloat16", "sdpa", "MATH"),
)  # fmt: skip
PARTS = ("detect", "embeddings", "overhead", "compare", "leakage", "images")
TEXTS = 2_400


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--part", "only", multiple=True, type=click.Choice(PARTS), help="Only these.")
@click.option("--device", default="cpu", show_default=True, help="Where models run.")
@click.option("--shape", type=click.Choice(["tiny", "small", "8b"]), default="small")
@click.option("--receipts", type=int, help="Honest receipts of the main pair.")
@click.option("--seconds", type=float, default=1e9, help="When to stop making more of them.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--save", type=click.Path(path_type=Path), help="Distances and margins, as npz.")
def lsh(
    as_json: bool, only: tuple[str, ...], device: str, shape: str, receipts: int | None,
    seconds: float, seed: int, save: Path | None,
) -> None:  # fmt: skip
    """Codes, receipts and checks of inference: what they cost and what they catch.

    `--device cuda --shape 8b --part detect` runs a Llama of 8 billion random weights; it needs
    about 80 GB of device memory and 9 minutes.
    """
    with TemporaryDirectory() as folder:
        bench = _Parts(Path(folder), device, shape, receipts, seconds, seed, save)
        found = {name: getattr(bench, name)() for name in only or PARTS}
    content = {"machine": _machine(device), "seed": seed, **_headline(found), **found}
    click.echo(json.dumps(content, indent=None if as_json else 1))


class _Parts:
    """The parts by name; the model that two of them need is made once."""

    def __init__(
        self, folder: Path, device: str, shape: str, receipts: int | None, seconds: float,
        seed: int, save: Path | None,
    ) -> None:  # fmt: skip
        self.folder, self.device, self.shape, self.seed, self.save = (
            folder, device, shape, seed, save,
        )  # fmt: skip
        large = shape == "8b"
        self.plan = Plan(
            honest=receipts or (8_192 if large else 640),
            other=1_024 if large else 640,
            fraud=256 if large else 128,
            batch=512 if large else 64,
            views=GPU_VIEWS if large else CPU_VIEWS,
            shapes=(1, 8, 64) if large else (1, 8),
            judged=64 if large else 32,
            seconds=seconds,
        )
        self._subject: Subject | None = None

    def subject(self, number: int = 0) -> Subject:
        """The model, or another of its shape."""
        if number == 0 and self._subject is not None:
            return self._subject
        _say(f"making model {number}")
        if self.shape == "8b":
            found = random_8b(self.seed + number, self.device)
        else:
            from rag.lsh.small_llama import SMALL, TINY

            size = SMALL if self.shape == "small" else TINY
            where = self.folder / str(number)
            found = trained_subject(where, size, 400, "bfloat16", self.seed + number, self.device)
        if number == 0:
            self._subject = found
        return found

    def detect(self) -> Mapping[str, Any]:
        """Honest runs and frauds."""
        subject = self.subject()
        runs = Bench(subject, lambda: self.subject(1), self.plan, self.seed, _say).run()
        found = report(runs)
        if self.save is not None:
            _save(runs, found["width"], self.save)
        return {"model": subject.name, **found}

    def overhead(self) -> Mapping[str, Any]:
        """What receipts and checks cost beside generating, one answer at a time and eight."""
        from scripts.benchmarks.lsh.overhead import measure_overhead

        _say("overhead")
        subject = self.subject()
        return {
            f"batch_{n}": measure_overhead(subject.model, subject.prompts(n, 0)) for n in (1, 8)
        }

    def embeddings(self) -> Mapping[str, Any]:
        """MiniLM's vectors."""
        from scripts.benchmarks.lsh.embeddings import measure_embeddings
        from scripts.benchmarks.lsh.prose import paragraphs

        _say("embeddings")
        return measure_embeddings(paragraphs(TEXTS))

    def compare(self) -> Mapping[str, Any]:
        """Comparing codes."""
        from scripts.benchmarks.lsh.compare import measure_compare

        _say("comparing codes")
        return measure_compare()

    def leakage(self) -> Mapping[str, Any]:
        """What codes reveal."""
        from scripts.benchmarks.lsh.leakage import measure_leakage
        from scripts.benchmarks.lsh.prose import paragraphs

        _say("what codes reveal")
        return measure_leakage(paragraphs(TEXTS // 2))

    def images(self) -> Mapping[str, Any]:
        """Pictures and latents."""
        from scripts.benchmarks.lsh.images import measure_images

        _say("images")
        return measure_images(self.seed)


def _headline(found: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that people ask for first."""
    rows: dict[str, Any] = {"bytes_per_32_tokens": {"ours": _leaf_bytes(), "toploc": TOPLOC_BYTES}}
    if "detect" in found:
        part = found["detect"]
        fraud, honest = part["fraud"], part["honest"][part["main_pair"]]
        rows["recall"] = {name: row["either"] for name, row in fraud.items()} | {
            "int8_4_leaves": fraud["int8"].get("four_leaves")
        }
        rows["prefill_attacks_accepted"] = {
            name: [round(row["leaves"] * (1 - row["either"])), row["leaves"]]
            for name, row in fraud.items()
            if name.startswith("prefill")
        }
        rows["honest_reject"] = {
            "leaf": honest["rate"],
            "sequential": part["sequence"]["rejected"],
            "sequential_at_most": part["sequence"]["per_leaf_at_most"],
            "leaves": part["sequence"]["honest_leaves"],
        }
    if "overhead" in found:
        rows["receipt_overhead"] = {name: r["overhead"] for name, r in found["overhead"].items()}
    return rows


def _leaf_bytes() -> int:
    """Of the compact form: what one more leaf adds."""
    from chainrep.protocol.inference_receipt import ReceiptHeader, ReceiptKind, make_receipt
    from chainrep.protocol.receipt_file import pack_receipt

    sizes = []
    for leaves in (1, 2):
        words = [bytes(32)] * 8
        header = ReceiptHeader(ReceiptKind.TOKENS, 32, 32 * leaves, *words)
        receipt = make_receipt(header, [bytes(32)] * leaves, [bytes(32)] * leaves, os.urandom(32))
        sizes.append(len(pack_receipt(receipt)))
    return sizes[1] - sizes[0]


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


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    lsh()
