"""``chainrep jobs calibrate``: how far honest runs differ on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import json_option
from chainrep.cli.output import print_json, print_table, progress
from chainrep.errors import InputError
from rag.guard import with_rag
from rag.jobs.options import (
    check_writable,
    limit_threads,
    model_option,
    threads_option,
    writing,
)

if TYPE_CHECKING:
    from rag.lsh.calibration import Calibration

_MAX_TEXT_BYTES = 32 * 2**20


@click.command()
@model_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Where to."
)
@click.option(
    "--provider", "providers", multiple=True, default=("float32/sdpa",), show_default=True,
    metavar="DTYPE/ATTENTION", help="How providers run it; repeat.",
)  # fmt: skip
@click.option(
    "--verifier", "verifiers", multiple=True, default=("float32/sdpa", "float32/eager"),
    show_default=True, metavar="DTYPE/ATTENTION", help="How verifiers run it; repeat.",
)  # fmt: skip
@click.option("--device", default="cpu", show_default=True, help="Or cuda.")
@click.option(
    "--text", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Prompts are cuts of this text [our demo's passages].",
)  # fmt: skip
@click.option(
    "--answers", type=click.IntRange(4, 1_000_000), default=400, show_default=True,
    help="Honest answers for each provider; half of them choose the width, half the limits.",
)  # fmt: skip
@click.option("--tokens", type=click.IntRange(32, 100_000), default=128, show_default=True)
@click.option(
    "--bound", type=click.FloatRange(1e-6, 0.5), default=0.02, show_default=True,
    help="How often an honest leaf may be beyond the limit.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Draws prompts and tokens.")
@threads_option
@json_option
@with_rag
def calibrate(
    model: str,
    out: Path,
    providers: tuple[str, ...],
    verifiers: tuple[str, ...],
    device: str,
    text: Path | None,
    answers: int,
    tokens: int,
    bound: float,
    seed: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Run the model honestly and with cheaper weights, and write what tells the two apart.

    Providers and verifiers must use one and the same file: its digest is part of every receipt.
    A pair of machines that was not measured is never accused of anything.
    """
    from rag.lsh.calibration_file import write_calibration
    from rag.lsh.honest_runs import Plan, calibrate_machine

    plan = Plan(
        providers=tuple(_setting(given) for given in providers),
        verifiers=tuple(_setting(given) for given in verifiers),
        device=device,
        answers=answers,
        tokens=tokens,
        bound=bound,
        sums=(),
        seed=seed,
    )
    check_writable(out)
    texts = _texts(text)
    left_out: list[str] = []
    limit_threads(threads)
    with progress() as bar:
        task = bar.add_task("Loading", total=None)
        found = calibrate_machine(
            model,
            texts,
            plan,
            lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
            left_out.append,
        )
    with writing(out):
        write_calibration(found, out)
    for words in left_out:
        click.echo(words, err=True)
    if as_json:
        print_json(summary(found))
    else:
        show_calibration(found)
        click.echo(f"Written to {out}.")


def show_calibration(calibration: Calibration) -> None:
    """A row per pair of settings: limits, honest sample, and what each fraud comes to."""
    rows = [
        [
            pair["pair"], pair["threshold"], pair["unrelated_least"], pair["token_threshold"],
            f"{pair['honest_beyond_at_most']:.3f} of {pair['honest_leaves']}",
            ", ".join(f"{name} {share:.0%}" for name, share in pair["caught_leaves"].items()),
        ]
        for pair in summary(calibration)["pairs"]
    ]  # fmt: skip
    columns = ["provider | verifier", "bits", "unrelated", "tokens", "honest beyond", "caught"]
    print_table(columns, rows, "Bits a leaf may differ by, and how close unrelated leaves come")


def summary(calibration: Calibration) -> dict[str, list[dict[str, Any]]]:
    """What the limits are and what stands behind them, for JSON."""
    return {
        "pairs": [
            {
                "pair": pair.key,
                "width": pair.width,
                "threshold": int(pair.leaf.threshold),
                "unrelated_least": int(pair.impostors[0]),
                "token_threshold": pair.tokens.threshold,
                "honest_beyond_at_most": pair.leaf.rate,
                "confidence": pair.leaf.confidence,
                "honest_leaves": pair.leaf.sample,
                "caught_leaves": {
                    found.attack: found.share for found in pair.recalls if found.check == "leaf"
                },
            }
            for pair in calibration.pairs
        ]
    }


def _setting(given: str) -> tuple[str, str]:
    dtype, found, attention = given.partition("/")
    if not found:
        raise InputError(f"{given[:60]!r} is not DTYPE/ATTENTION.", "Write it like float32/sdpa.")
    return dtype, attention


def _texts(path: Path | None) -> list[str]:
    from rag.loaders import demo_dataset

    if path is None:
        return list(dict.fromkeys(passage.text for passage in demo_dataset().passages))
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise InputError(f"{path} is larger than {_MAX_TEXT_BYTES:,} bytes.", "Give a part of it.")
    try:
        return [path.read_text(encoding="utf-8")]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text.") from error
