"""Named arrays in one file: replaced whole or not at all, and read without trusting it.

The form: a line that names the version; SHA-256 of everything behind it, 32 bytes; the length of
the table, uint32 little-endian; the table, JSON ``{"learner": str, "arrays": [[name, type,
shape], ...]}``; the arrays' bytes in that order, little-endian. The digest finds damage, not
forgery: whoever may write the file may teach the router anything.
"""

from __future__ import annotations

import glob
import hashlib
import json
import math
import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import DatasetError, StateError
from rag.json_text import parse_json
from rag.state.arrays import REMEDY, Arrays

MAGIC = b"chainrep router 2\n"
FORMER = b"chainrep router 1\n"
"""Of files in the same form, which keep other arrays of routers and of evidence."""
LEFT_SECONDS = 60.0
"""A draft that is older was left by a writer that was killed."""
MAX_BYTES = 256 * 2**20
MAX_TABLE = 2**16
TYPES = {"<f8", "<f4", "<i8", "|u1"}


def write_state(path: Path, learner: str, arrays: Arrays) -> None:
    """Put the arrays into the file, on the disk before it returns; raises StateError.

    One at a time may write to a file: what writers that were killed left beside it is deleted.
    """
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    table = json.dumps(
        {
            "learner": learner,
            "arrays": [[n, a.dtype.newbyteorder("<").str, list(a.shape)] for n, a in kept.items()],
        }
    ).encode()
    bodies = [a.astype(a.dtype.newbyteorder("<")).tobytes() for a in kept.values()]
    content = b"".join([struct.pack("<I", len(table)), table, *bodies])
    if len(content) > MAX_BYTES - 1_000:
        raise StateError(
            f"What {path.name} has to keep has grown too large.", "Give it a smaller window."
        )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        for left in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 16}"):
            # Another process may be at work on a young one; a folder of that name is not ours.
            if left.is_file() and time.time() - left.stat().st_mtime > LEFT_SECONDS:
                left.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(MAGIC + hashlib.sha256(content).digest() + content)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StateError(
            f"What was learned cannot be kept in {path} ({error.strerror}).",
            "Make room on the disk, and check that the folder is there and writable.",
        ) from error


def read_state(
    path: Path, noun: str = "router's state", *, former: bool = False
) -> tuple[str, Arrays]:
    """Return the learner's name and the arrays; raises StateError for anything else.

    ``noun`` is what an error calls the file. ``former`` says that what the version before kept of
    it is still good.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StateError(f"{path} cannot be read ({error.strerror}).", REMEDY) from error
    if len(content) > MAX_BYTES:
        raise StateError(f"{path} is larger than any {noun}.", REMEDY)
    if not content.startswith((MAGIC, FORMER) if former else MAGIC):
        raise StateError(f"{path} is no {noun} of this version.", REMEDY)
    start = len(MAGIC) + 32
    body = memoryview(content)[start:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : start]:
        raise StateError(f"{path} is damaged: its digest is wrong.", REMEDY)
    if len(body) < 4:
        raise _malformed(path, noun)
    (length,) = struct.unpack("<I", body[:4])
    if length > MAX_TABLE:
        raise _malformed(path, noun)
    try:
        learner, table = _table(bytes(body[4 : 4 + length]), path)
        return learner, _arrays(table, body[4 + length :])
    except _Misshapen as error:
        raise _malformed(path, noun) from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file into what a StateError says that does not name it."""
    try:
        yield
    except StateError as error:
        if str(path) in error.summary:
            raise
        summary = f"{error.summary.removesuffix('.')} ({path})."
        raise StateError(summary, error.remedy) from error


def part_of(arrays: Arrays, name: str) -> Arrays:
    """Return the arrays whose names begin with ``name`` and a dot, without that."""
    return {n.removeprefix(f"{name}."): a for n, a in arrays.items() if n.startswith(f"{name}.")}


class _Misshapen(Exception):
    """What is in a file is not what its form says."""


def _table(content: bytes, path: Path) -> tuple[str, list[Any]]:
    try:
        stated = parse_json(content.decode("utf-8"), str(path))
    except (UnicodeDecodeError, DatasetError) as error:
        raise _Misshapen from error
    if not isinstance(stated, dict) or set(stated) != {"learner", "arrays"}:
        raise _Misshapen
    learner, table = stated["learner"], stated["arrays"]
    if not isinstance(learner, str) or not isinstance(table, list) or len(table) > 64:
        raise _Misshapen
    return learner, table


def _arrays(table: list[Any], body: memoryview) -> Arrays:
    found: dict[str, np.ndarray[Any, np.dtype[Any]]] = {}
    at = 0
    for entry in table:
        if not isinstance(entry, list) or len(entry) != 3:
            raise _Misshapen
        name, kind, shape = entry
        sound = (
            isinstance(name, str)
            and isinstance(kind, str)
            and kind in TYPES
            and isinstance(shape, list)
            and len(shape) <= 4
            and all(type(n) is int and 0 <= n <= MAX_BYTES for n in shape)
        )
        if not sound or name in found:
            raise _Misshapen
        size = math.prod(shape) * np.dtype(kind).itemsize
        if size > len(body) - at:
            raise _Misshapen
        array = np.frombuffer(body[at : at + size], dtype=kind).reshape(shape)
        found[name] = array.astype(array.dtype.newbyteorder("="))
        at += size
    if at != len(body):
        raise _Misshapen
    return found


def _malformed(path: Path, noun: str) -> StateError:
    return StateError(f"{path} does not have the form of a {noun}.", REMEDY)
