"""``chainrep demo``: the whole idea once, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table, progress
from chainrep.config import Config
from rag.guard import with_rag

if TYPE_CHECKING:
    from rag.demo import DemoResult

_PLOT_FORMATS = (".png", ".svg", ".pdf")


@click.command(short_help="Show the whole idea once, end to end.")
@settings
@click.option("--dataset", type=click.Path(path_type=Path), help="SQuAD JSON or JSONL [our own].")
@click.option(
    "--questions",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="How many at most, drawn by the seed.",
)
@click.option("--seed", default=0, show_default=True, help="Draws questions and pollution.")
@click.option(
    "--pollute",
    default="0,0.2,0.4,0.6,0.8,1",
    show_default=True,
    metavar="RATES",
    help="One source per rate: the share of its answers that is replaced by wrong ones.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Picture of the reliabilities.")
@click.option(
    "--verify",
    "verified",
    is_flag=True,
    help="Show verified inference instead: two providers, three verifiers; one provider cheats.",
)
@json_option
@with_rag
def demo(
    config: Config,
    dataset: Path | None,
    questions: int,
    seed: int,
    pollute: str,
    plot: Path | None,
    verified: bool,
    as_json: bool,
) -> None:
    """Show the whole idea: sources of different honesty, told apart on a chain.

    Deploys the contracts, registers the sources, asks real questions, judges the answers, writes
    the scores in signed batches, and compares reliability-weighted answers with an equal-weight
    majority and with one central pool of the same passages. Runs on an embedded chain; with
    --rpc, or CHAINREP_RPC, on a running one.
    """
    if verified:
        _verify(config, seed, as_json)
        return
    from rag.demo import Demo, open_stage
    from rag.encoder import MiniLMEncoder
    from rag.loaders import demo_dataset, load_dataset
    from rag.reader import ExtractiveReader

    rates = _rates(pollute)
    if plot is not None:
        _check_plot(plot)
    loaded = load_dataset(dataset) if dataset else demo_dataset()
    with progress() as bar:
        task = bar.add_task("Loading the encoder", total=None)
        encoder = MiniLMEncoder()
        bar.update(task, description="Deploying")
        with open_stage(config, len(rates)) as stage:
            bar.update(task, description="Building six corpora")
            reader = ExtractiveReader()
            run = Demo(stage, loaded, rates, seed, questions, encoder, reader)
            bar.update(task, description="Asking", total=run.total)
            for answered in run:
                bar.update(task, completed=answered)
            result = run.result()
    if plot is not None:
        from rag.plot import draw_reliabilities

        title = f"{len(rates)} sources over {result.questions} questions"
        draw_reliabilities(result.sources, title, plot)
    if as_json:
        print_json(result.as_json())
    else:
        _show(result)


def _show(result: DemoResult) -> None:
    print_table(
        ["source", "true pollution", "reliability", "evidence", "transactions", "gas"],
        [
            [s.id, s.pollution, s.reliability, s.evidence, s.transactions, s.gas]
            for s in result.sources
        ],
        title="What the chain says of each source, beside the truth",
    )
    click.echo(
        f"{result.questions} questions, {result.transactions} batches,"
        f" {result.gas['total']:,} gas ({result.gas['per_update']:,.0f} per update),"
        f" Spearman {result.rho:.2f}, {result.seconds:.0f} s."
    )
    names = {
        "weighted": "weighted by reliability on the chain",
        "majority": "equal-weight majority",
        "centralized": "one central pool of the same passages",
    }
    print_table(
        ["answers", "exact", "F1"],
        [[text, result.accuracy[name], result.f1[name]] for name, text in names.items()],
    )


def _verify(config: Config, seed: int, as_json: bool) -> None:
    from rag.jobs.demo import run_job_demo

    with progress() as bar:
        task = bar.add_task("Starting", total=None)
        result = run_job_demo(config, seed, lambda what: bar.update(task, description=what))
    if as_json:
        print_json(result.as_json())
        return
    rows = [
        [
            job.runs,
            "\n".join(job.votes),
            job.verdict,
            f"{job.paid / 1e18:g} ETH",
            "back" if job.bond_back else "lost",
        ]
        for job in result.jobs
    ]
    title = (
        f"Verified inference in {result.seconds:.0f} s: codes of 32 tokens match if at most"
        f" {result.threshold} of 256 bits differ; unrelated ones differ in {result.unrelated_least}"
        " or more"
    )
    print_table(["the provider ran", "votes", "verdict", "paid", "bond"], rows, title)


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers like 0,0.5,1.") from None
    if not 2 <= len(rates) <= 16 or not all(0 <= rate <= 1 for rate in rates):
        raise click.BadParameter("Give 2 to 16 rates between 0 and 1.")
    return rates


def _check_plot(plot: Path) -> None:
    if plot.suffix not in _PLOT_FORMATS:
        raise click.BadParameter(f"{plot} must end in one of {', '.join(_PLOT_FORMATS)}.")
    if not plot.absolute().parent.is_dir():
        raise click.BadParameter(f"The folder of {plot} does not exist.")
