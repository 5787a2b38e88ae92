"""The options that commands about models and jobs share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chainrep.cli.members import read_urls
from chainrep.errors import InputError, StoreError

if TYPE_CHECKING:
    from chainrep.session import Session
    from rag.jobs.kept_files import KeptFiles
    from rag.jobs.runner import Runner
    from rag.lsh.decode_spec import DecodeSpec

F = TypeVar("F", bound=Callable[..., Any])

DTYPES = ("float32", "bfloat16", "float16")

model_option = click.option(
    "--model", required=True, metavar="PATH", help="Folder of the model, or its hub id OWNER/NAME."
)
calibration_option = click.option(
    "--calibration", type=click.Path(path_type=Path), required=True, metavar="FILE",
    help="What honest runs differ by (`chainrep jobs calibrate`).",
)  # fmt: skip
provider_option = click.option(
    "--provider", "providers", multiple=True, metavar="ADDRESS=URL",
    help="Where a provider answers; repeat.",
)  # fmt: skip


threads_option = click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N",
    help="Threads for the model [as many as cores]; 1 is fastest for a small one.",
)  # fmt: skip


def limit_threads(threads: int | None) -> None:
    """Let torch use so many threads; None leaves it as it is."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def published_option(number: int) -> Callable[[F], F]:
    """Add --published-account with this default."""
    return click.option(
        "--published-account", type=click.IntRange(0, 9), default=number, show_default=True,
        metavar="N", help="Without --key, on a local chain: sign as its N-th published account.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model is run, and how."""

    name: str
    dtype: str
    attention: str
    device: str
    threads: int | None = None

    def load(self, calibration: Path) -> Runner:
        """Load it with its calibration; raise ModelError and CalibrationError."""
        from rag.jobs.runner import load_runner
        from rag.lsh.calibration_file import read_calibration

        limit_threads(self.threads)
        found = read_calibration(calibration)
        return load_runner(self.name, found, self.dtype, self.attention, self.device)


def running(command: F) -> Callable[..., Any]:
    """Add --model, --dtype and the like; the command receives them as ``choice``."""

    @model_option
    @click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True)
    @click.option("--attention", default="sdpa", show_default=True, help="Or eager, flash_….")
    @click.option("--device", default="cpu", show_default=True, help="Or cuda.")
    @threads_option
    @functools.wraps(command)
    def with_choice(
        *, model: str, dtype: str, attention: str, device: str, threads: int | None, **rest: object
    ) -> object:
        return command(choice=ModelChoice(model, dtype, attention, device, threads), **rest)

    return with_choice


def decoding(command: F) -> Callable[..., Any]:
    """Add the sampler's options; the command receives a function of end tokens as ``decode``."""

    @click.option("--max-tokens", type=click.IntRange(1, 100_000), default=128, show_default=True)
    @click.option(
        "--temperature", type=click.FloatRange(0, 2), default=1.0, show_default=True,
        help="0 is greedy.",
    )  # fmt: skip
    @click.option("--top-k", type=click.IntRange(0), default=0, help="0: no limit.")
    @click.option("--top-p", type=click.FloatRange(0.001, 1), default=1.0, show_default=True)
    @functools.wraps(command)
    def with_decode(
        *, max_tokens: int, temperature: float, top_k: int, top_p: float, **rest: object
    ) -> object:
        def decode(end_tokens: tuple[int, ...]) -> DecodeSpec:
            from rag.lsh.decode_spec import DecodeSpec

            milli = round(1000 * temperature), round(1000 * top_p)
            return DecodeSpec(milli[0], top_k, milli[1], max_tokens, end_tokens)

        return command(decode=decode, **rest)

    return with_decode


def check_writable(path: Path) -> None:
    """Raise InputError where a file could not be written here: before hours of work, or money."""
    folder = path.parent
    with writing(path):
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} for {path.name}.", "Make it first.")
        if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            raise InputError(f"{path} cannot be written.", "Name another file with --out.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk says against a file into StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}).", "Name another file with --out."
        ) from error


def read_providers(given: tuple[str, ...]) -> dict[str, str]:
    """URLs by address, as of `chainrep.cli.members.read_urls`."""
    return read_urls("--provider", given)


def read_job(text: str) -> int:
    """A job's id as people give it; raise InputError."""
    try:
        if len(text) != 66 or not text.startswith("0x"):
            raise ValueError(text)
        return int(text[2:], 16)
    except ValueError as error:
        raise InputError("A job is named by 0x and 64 hexadecimal digits.") from error


def job_files(session: Session, role: str, address: str) -> KeptFiles:
    """Where one key keeps what it must not lose of jobs on this chain, in this role."""
    from rag.jobs.kept_files import KeptFiles

    deployment = session.deployment
    chain = f"{deployment.chain_id}-{deployment.verification_jobs}-{deployment.genesis[2:10]}"
    return KeptFiles(session.config.home / "jobs" / chain / f"{role}-{address}")
