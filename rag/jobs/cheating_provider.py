"""A provider that states one model and runs a cheaper one: what ``demo --verify`` and tests catch.

``python -m rag.jobs.cheating_provider --attack int8 …``, with the options of ``jobs serve``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from chainrep.cli.options import settings, signing
from chainrep.config import Config
from rag.guard import with_rag
from rag.jobs.cli import serve_jobs
from rag.jobs.options import ModelChoice, calibration_option, published_option, running


@click.command()
@settings
@signing
@running
@calibration_option
@click.option("--attack", default="int8", show_default=True, help="What its weights went through.")
@published_option(5)
@with_rag
def cheat(
    config: Config,
    read_passphrase: Callable[[str], str],
    choice: ModelChoice,
    calibration: Path,
    attack: str,
    published_account: int,
) -> None:
    """Serve jobs on a free port with weights that are not those it promises."""
    from rag.jobs.provider import Prices
    from rag.lsh.tampering import tamper

    honest = choice.load(calibration)
    runner = replace(honest, model=tamper(honest.model, attack))
    serve_jobs(config, read_passphrase, published_account, runner, Prices(), "127.0.0.1", 0)


if __name__ == "__main__":
    cheat()
