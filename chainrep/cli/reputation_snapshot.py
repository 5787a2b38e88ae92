"""What reputations are computed from: a file of ratings, a log of edges, or an epoch's events."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chainrep.cli.free_memory import free_memory
from chainrep.cli.options import settings
from chainrep.cli.output import progress
from chainrep.config import Config
from chainrep.errors import InputError

if TYPE_CHECKING:
    from chainrep.node.computed_epoch import ComputedEpoch
    from chainrep.reputation.formula import Formula
    from chainrep.reputation.graph import Graph
    from chainrep.reputation.public_score import Reputation

F = TypeVar("F", bound=Callable[..., Any])

UNIT = 2**50
"""All trust; the package that computes it loads numba, which `--help` need not wait for."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Request:
    """What the options ask for; see `snapshot_options`."""

    config: Config
    file: Path | None
    seeds: tuple[str, ...]
    formula: Path | None
    half_life: float | None
    before: str | None
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Computed reputations; ``computed`` is the epoch that they belong to, if it is one's."""

    reputation: Reputation
    title: str
    end: int
    computed: ComputedEpoch | None = None

    def name_of(self, account: str) -> str:
        """How the graph writes an account: addresses in lower case on a chain."""
        low = account.lower()
        known = self.reputation.graph.find(account) is not None
        return low if not known and low.startswith("0x") else account


def snapshot_options(command: F) -> Callable[..., Any]:
    """Add [FILE] and how to read it, or --epoch; the command receives a ``request``."""

    @settings
    @click.argument("file", required=False, type=click.Path(path_type=Path))
    @click.option(
        "--seed", "seeds", multiple=True, metavar="NAME",
        help="With FILE: an account from which trust starts; repeat.",
    )  # fmt: skip
    @click.option(
        "--formula", type=click.Path(path_type=Path), metavar="JSON",
        help="With FILE: seeds and constants from here instead.",
    )  # fmt: skip
    @click.option(
        "--half-life", type=click.FloatRange(0, 10_000, min_open=True), metavar="DAYS",
        help="With FILE: what was said so long ago counts half [180].",
    )  # fmt: skip
    @click.option(
        "--before", metavar="TIME",
        help="With FILE: count what was said before; Unix seconds or 2026-12-31 [all of it].",
    )  # fmt: skip
    @click.option(
        "--epoch", type=click.IntRange(0), metavar="N",
        help="Without FILE: the epoch on the chain [the last one that is over].",
    )  # fmt: skip
    @functools.wraps(command)
    def with_request(
        *,
        config: Config,
        file: Path | None,
        seeds: tuple[str, ...],
        formula: Path | None,
        half_life: float | None,
        before: str | None,
        epoch: int | None,
        **rest: object,
    ) -> object:
        asked = Request(config, file, seeds, formula, half_life, before, epoch)
        return command(request=asked, **rest)

    return with_request


def percent(score: int) -> str:
    """A score in percent of all trust."""
    return f"{score * 100 / UNIT:.7f}"


def take_snapshot(request: Request) -> Snapshot:
    """Read, and compute; raises InputError for a mistake, and ChainError without FILE."""
    if request.file is None:
        if request.seeds or request.formula or request.half_life or request.before:
            raise InputError("--seed, --formula, --half-life and --before go with a FILE.")
        return _of_epoch(request)
    if request.epoch is not None:
        raise InputError("--epoch is of the chain, and does not go with a FILE.")
    return _of_file(request, request.file)


def _of_file(request: Request, file: Path) -> Snapshot:
    from chainrep.reputation.edge_log import is_edge_log
    from chainrep.reputation.public_score import find_accounts, score_accounts

    formula = _formula(request)
    before = None if request.before is None else _read_time(request.before)
    with progress() as bar:
        reading = bar.add_task("Reading bytes", total=None)

        def show(done: int, size: int) -> None:
            bar.update(reading, completed=done, total=size)

        if is_edge_log(file):
            graph, end = _graph_of_log(file, before)
        else:
            graph, end = _graph_of_ratings(file, before, formula, show)
        find_accounts(graph, formula.seeds)  # a mistake is told before the long work
        bar.add_task("Computing scores", total=None)
        return Snapshot(score_accounts(graph, formula, _threads()), file.name, end)


def _graph_of_ratings(
    file: Path, before: int | None, formula: Formula, show: Callable[[int, int], None]
) -> tuple[Graph, int]:
    from chainrep.reputation.rating_file import read_ratings
    from chainrep.reputation.ratings import graph_of

    now = int(time.time())
    ratings = read_ratings(file, now, free_memory(), show)
    end = int(ratings.time.max()) + 1 if before is None else before
    return graph_of(ratings, end, formula.half_life), end


def _graph_of_log(file: Path, before: int | None) -> tuple[Graph, int]:
    from chainrep.reputation.edge_change import MAX_TIME, graph_after
    from chainrep.reputation.edge_log import changes_by

    end = MAX_TIME if before is None else before
    return graph_after(changes_by(file, end - 1)), end


def _of_epoch(request: Request) -> Snapshot:
    from chainrep.cli.reputation_epoch import compute_epoch_of
    from chainrep.reputation.public_score import score_accounts
    from chainrep.reputation.ratings import graph_of
    from chainrep.session import open_session

    session = open_session(request.config)
    computed = compute_epoch_of(session, request.epoch)
    formula = session.formula(session.roots())
    graph = graph_of(computed.ratings, computed.epoch.end, formula.half_life)
    found = score_accounts(graph, formula, _threads())
    return Snapshot(found, f"epoch {computed.epoch.number}", computed.epoch.end, computed)


def _formula(request: Request) -> Formula:
    from chainrep.reputation.formula import MAX_BYTES, Formula, read_formula

    if request.formula is not None:
        if request.seeds or request.half_life:
            raise InputError("--formula names the seeds and the half-life itself.")
        try:
            with request.formula.open("rb") as stream:
                return read_formula(stream.read(MAX_BYTES + 1).strip())
        except OSError as error:
            raise InputError(f"{request.formula} cannot be read: {error.strerror}.") from None
    if not request.seeds:
        raise InputError(
            "Reputation starts from seeds, and none is named.",
            "Add --seed NAME for each account that you trust to begin with.",
        )
    days = request.half_life
    seeds = tuple(sorted(set(request.seeds)))
    return Formula(seeds) if days is None else Formula(seeds, half_life=max(1, int(days * _DAY)))


def _read_time(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 13:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--before {text[:40]!r} is no time.", "Write it like 1767225600 or 2026-12-31."
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _threads() -> int:
    import os

    return os.cpu_count() or 1
