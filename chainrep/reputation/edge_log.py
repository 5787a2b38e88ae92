"""An append-only file of changes of edges, from which every past graph can be had again.

A record is its length twice, the change, and the first 8 bytes of the rolling hash after it. A
place in the log, and with it the graph at that place, is named by that hash, which nobody can give
to another history.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import IO

from chainrep.errors import InputError, StoreBusy, StoreError
from chainrep.reputation.edge_change import (
    GENESIS,
    MAX_BYTES,
    MIN_BYTES,
    EdgeChange,
    change_bytes,
    change_from,
    roll,
)

_MAGIC = b"chainrep edges 1\n"
_LENGTH, _CHECK = 4, 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A change, how many there are with it, and the rolling hash after it (32 bytes)."""

    change: EdgeChange
    count: int
    head: bytes


class EdgeLog:
    """The log open for writing: one writer at a time, and a tail that was torn off is cut.

    Use it in a ``with``. Raises StoreBusy while another writer has it, StoreError where the file
    cannot be used, and InputError where it is not such a log or was changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count, self.head, self.time = 0, GENESIS, 0
        try:
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise StoreError(f"{path} cannot be opened: {error.strerror}.") from None
        try:
            self._end = self._open()
        except BaseException:
            self._file.close()
            raise

    def append(self, changes: Sequence[EdgeChange]) -> bytes:
        """Write changes and return the new head; they are on the disk when this returns.

        Raises InputError where the times of all changes would not ascend; nothing is written then.
        """
        records, head, time = [], self.head, self.time
        for change in changes:
            if change.time < time:
                raise InputError(
                    f"A change at {change.time} comes after one at {time}.",
                    "Changes are logged in the order of their times.",
                )
            content = change_bytes(change)
            head, time = roll(head, content), change.time
            records.append(_length(len(content)) + content + head[:_CHECK])
        self._write(b"".join(records))
        self.count, self.head, self.time = self.count + len(changes), head, time
        return head

    def __enter__(self) -> EdgeLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _write(self, content: bytes) -> None:
        number, written = self._file.fileno(), 0
        try:
            while written < len(content):
                written += os.pwrite(number, content[written:], self._end + written)
            os.fsync(number)
        except OSError as error:
            os.ftruncate(number, self._end)
            raise StoreError(f"{self.path} cannot be written: {error.strerror}.") from None
        self._end += len(content)

    def _open(self) -> int:
        """Lock the file, read it, cut a torn tail, and return where it ends."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreBusy(f"Another program writes to {self.path}.", "Wait for it.") from None
        if self._file.read(len(_MAGIC)) != _MAGIC[: self._file.tell()]:
            raise _no_log(self.path)
        if self._file.tell() < len(_MAGIC):  # new, or torn before it had begun
            os.pwrite(self._file.fileno(), _MAGIC, 0)
        self._file.seek(0)
        end = len(_MAGIC)
        for entry in _entries(self.path, self._file):
            end = self._file.tell()
            self.count, self.head, self.time = entry.count, entry.head, entry.change.time
        os.ftruncate(self._file.fileno(), end)
        return end


def is_edge_log(path: Path) -> bool:
    """Whether a file begins as such a log does."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_entries(path: Path) -> Iterator[Entry]:
    """The log's changes, oldest first, up to a torn tail; may run beside a writer.

    Raises InputError where the file is not such a log, or was changed.
    """
    try:
        with path.open("rb") as file:
            yield from _entries(path, file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def changes_to(path: Path, head: bytes) -> Iterator[EdgeChange]:
    """The changes that led to a head; raise InputError, at their end, where the log never had it.

    `graph_after` makes a graph of them.
    """
    if head == GENESIS:
        return
    for entry in read_entries(path):
        yield entry.change
        if entry.head == head:
            return
    raise InputError(f"{path} never had the head {head.hex()}.", "It may be another log's.")


def changes_by(path: Path, time: int) -> Iterator[EdgeChange]:
    """The changes up to a time (Unix s), that second's own included."""
    known = takewhile(lambda entry: entry.change.time <= time, read_entries(path))
    return (entry.change for entry in known)


def _entries(path: Path, file: IO[bytes]) -> Iterator[Entry]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _no_log(path)
    count, head, time = 0, GENESIS, 0
    while record := _next_record(path, file):
        content, check = record[:-_CHECK], record[-_CHECK:]
        head = roll(head, content)
        if check != head[:_CHECK]:
            if head.startswith(check.rstrip(b"\0")) and _only_zeros(file):
                return  # the disk lost its power before the end of this record was on it
            raise _changed(path, count)
        change = change_from(content)
        if change.time < time:
            raise _changed(path, count)
        time, count = change.time, count + 1
        yield Entry(change, count, head)


def _next_record(path: Path, file: IO[bytes]) -> bytes:
    """A record without its length; empty at the end of the file, or where it was torn off."""
    start = file.tell()
    begin = file.read(_LENGTH)
    length = int.from_bytes(begin[:2])
    if len(begin) < _LENGTH:
        return b""
    if begin != _length(length) or not MIN_BYTES <= length <= MAX_BYTES:
        if not _only_zeros(file):
            raise InputError(f"{path} was damaged at byte {start:,}.", "Take a copy that is whole.")
        return b""
    record = file.read(length + _CHECK)
    return record if len(record) == length + _CHECK else b""


def _length(length: int) -> bytes:
    """A length and its complement: a damaged one is no torn tail, which would be cut."""
    return length.to_bytes(2) + (length ^ 0xFFFF).to_bytes(2)


def _only_zeros(file: IO[bytes]) -> bool:
    """Whether nothing more was written, which may leave zeros after a loss of power."""
    return not any(block.strip(b"\0") for block in iter(lambda: file.read(2**16), b""))


def _no_log(path: Path) -> InputError:
    return InputError(f"{path} is no log of edges.")


def _changed(path: Path, count: int) -> InputError:
    return InputError(
        f"{path} was changed after change {count:,}.", "Take a copy that is as it was written."
    )
