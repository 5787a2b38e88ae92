"""One program at a time in a folder, and what was written there on the disk."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrep.errors import StoreBusy, StoreError

_LOCK = ".lock"


@contextmanager
def sole_use(folder: Path, remedy: str) -> Iterator[None]:
    """Keep every other program out of the folder until the block ends.

    The system frees it when its holder dies. Raises StoreBusy, with the remedy, while another one
    has it, StoreError where the folder cannot be used.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be used ({error.strerror}).",
            "Make room on the disk, and check that the folder is writable.",
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(f"Another program is at work in {folder}.", remedy) from error
        yield
    finally:
        os.close(lock)


def sync(path: Path) -> None:
    """Return when a file, or a folder's list of names, is on the disk; raise OSError."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
