"""What people and machines see: tables, JSON, progress."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrep.errors import ChainrepError

if TYPE_CHECKING:
    from rich.progress import Progress


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


@contextmanager
def printing() -> Iterator[None]:
    """Turn what fails in printing, such as a full disk, into a ChainrepError.

    Any other OSError stays what it is: a BrokenPipeError, as of `| head`, wants no sentence.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        with Path(os.devnull).open("w") as nowhere:  # else the rest is tried again, loudly, at exit
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise ChainrepError(
            f"The output cannot be written ({error.strerror}).", "Make room, or send it elsewhere."
        ) from error


def print_json(content: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table; columns of numbers stand to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title) if title else None, title_justify="left")
    for i, column in enumerate(columns):
        numeric = all(isinstance(row[i], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    Console().print(table)


def progress() -> AbstractContextManager[Progress]:
    """A progress display on standard error, so that standard output stays clean."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Elapsed(),
        console=Console(stderr=True),
        transient=True,
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
