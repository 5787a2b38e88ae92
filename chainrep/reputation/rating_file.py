"""Ratings from a file: CSV of rater, ratee, rating, time, or an edge list of `u v [weight]`."""

from __future__ import annotations

from pathlib import Path

from chainrep.errors import InputError
from chainrep.reputation.line_file import Progress, read_lines
from chainrep.reputation.rating_columns import RatingColumns
from chainrep.reputation.ratings import Ratings

BYTES_PER_RATING = 200
BYTES_PER_ACCOUNT = 400
"""What a rating and an account take at the highest, while the graph is made of them."""
DEFAULT_ROOM = 100_000_000 * BYTES_PER_RATING


def read_ratings(
    path: Path, now: int, room: int = DEFAULT_ROOM, on_progress: Progress | None = None
) -> Ratings:
    """Every rating of the file; ``now`` (Unix seconds) is the highest time that is believed.

    Lines with commas are CSV (a first line of column names is passed over), others are split at
    spaces and tabs; `#` and `%` begin comments. A missing rating is 1, a missing time 0. Ratings
    are rounded to hundredths, times down to seconds. The file may be gzipped. ``room``: bytes of
    memory that may be used. Raises InputError with the number of the line that is wrong.
    """
    columns = RatingColumns(path, now)
    first = True
    for lines in read_lines(path, on_progress):
        if first:
            _check_room(path, _estimate(path, lines), 0, room)
            first = False
        columns.add(lines)
        _check_room(path, len(columns.rater), len(columns.names), room)
    if not columns.rater:
        raise InputError(
            f"{path} holds no ratings.", "Each line is `rater,ratee,rating,time` or `u v [weight]`."
        )
    return columns.ratings()


def _estimate(path: Path, lines: list[bytes]) -> int:
    """How many lines a file has that goes on as it begins; an archive has at least as many."""
    read = sum(map(len, lines)) + len(lines)
    return max(len(lines), path.stat().st_size * len(lines) // max(read, 1))


def _check_room(path: Path, ratings: int, accounts: int, room: int) -> None:
    needed = ratings * BYTES_PER_RATING + accounts * BYTES_PER_ACCOUNT
    if needed > room:
        raise InputError(
            f"{path} has about {ratings:,} ratings or more, which need {_gigabytes(needed)} of"
            f" memory, and {_gigabytes(room)} are free.",
            "Keep fewer ratings, for instance those of the last years, or take a larger machine.",
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
