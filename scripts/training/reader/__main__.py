"""Train the reader, and make the file that is shipped."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import click

from scripts.training.reader.export import weights_of
from scripts.training.reader.train import Settings, train


@click.group()
def reader() -> None:
    """Train the reader of rag.reader, and make the file that is shipped."""


@reader.command("train")
@click.option("--data", type=Path, default=Path("../shared/data/qa"), show_default=True)
@click.option("--out", type=Path, default=Path("build/reader"), show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--threads", default=2, show_default=True, help="Of the processor.")
@click.option("--batch", default=64, show_default=True)
@click.option("--passes", default=8.0, show_default=True, help="Over the data.")
@click.option("--minutes", default=math.inf, help="End here, if that is sooner.")
@click.option("--rate", default=3e-4, show_default=True, help="Highest learning rate.")
@click.option("--save-every", default=180.0, show_default=True, help="Seconds.")
@click.option("--seed", default=1, show_default=True)
def train_command(
    data: Path,
    out: Path,
    device: str,
    threads: int,
    batch: int,
    passes: float,
    minutes: float,
    rate: float,
    save_every: float,
    seed: int,
) -> None:
    """Train; a run that was stopped goes on from its last checkpoint."""
    settings = Settings(data, out, device, threads, batch, passes, minutes, rate, save_every, seed)
    steps = train(settings, click.echo)
    click.echo(f"Trained for {steps} steps: {settings.checkpoint}")


@reader.command("export")
@click.argument("checkpoints", type=Path, nargs=-1, required=True)
@click.argument("weights", type=Path)
def export_command(checkpoints: tuple[Path, ...], weights: Path) -> None:
    """Write what training changed, the mean of all checkpoints, and print its SHA-256."""
    if weights.suffix == ".pt":
        raise click.UsageError(f"{weights} is a checkpoint: name the file to write last.")
    content = weights_of(checkpoints)
    weights.write_bytes(content)
    click.echo(f"{len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    reader(prog_name="scripts/train_reader")
