"""A file of lines, plain or gzipped, read block by block: its size is somebody else's choice."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from chainrep.errors import InputError

MAX_LINE = 4_096
MAX_UNPACKED = 8 * 2**30
_BLOCK = 2**20
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"  # some programs begin UTF-8 with it

Progress = Callable[[int, int], None]
"""Called with the bytes of the file read so far, and all of them."""


def read_lines(
    path: Path, on_progress: Progress | None = None, max_unpacked: int = MAX_UNPACKED
) -> Iterator[list[bytes]]:
    """The lines without their ends, about a megabyte of them at a time.

    Raises InputError for a file that cannot be read, a line over 4,096 bytes, a damaged archive,
    and an archive of more than ``max_unpacked`` bytes.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            packed = file.peek(2)[:2] == _GZIP
            text = cast(IO[bytes], gzip.GzipFile(fileobj=file) if packed else file)
            for lines in _blocks(path, text, max_unpacked if packed else size):
                yield lines
                if on_progress:
                    on_progress(min(file.tell(), size), size)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise InputError(
            f"{path} is a damaged or incomplete gzip archive.", "Fetch or pack it again."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def _blocks(path: Path, text: IO[bytes], most: int) -> Iterator[list[bytes]]:
    rest, unpacked, line = b"", 0, 0
    while block := text.read(_BLOCK):
        if not unpacked:
            block = block.removeprefix(_MARK)
        unpacked += len(block)
        if unpacked > most:
            raise InputError(
                f"{path} unpacks to more than {most:,} bytes.",
                "Unpack it yourself if you trust it, or keep fewer ratings.",
            )
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        longest = max(map(len, lines), default=0)
        if max(longest, len(rest)) > MAX_LINE:
            at = next((i for i, found in enumerate(lines) if len(found) > MAX_LINE), len(lines))
            raise InputError(
                f"{path}, line {line + at + 1} is longer than {MAX_LINE:,} bytes.",
                "One rating stands on each line.",
            )
        line += len(lines)
        if lines:
            yield [found.rstrip(b"\r") for found in lines] if b"\r" in block else lines
    if rest:
        yield [rest.rstrip(b"\r")]
