"""Named arrays in one file: replaced whole or not at all, and read without trusting it.

The form: a line that names the version; SHA-256 of everything behind it, 32 bytes; the length of
the table, uint32 little-endian; the table, JSON ``{"learner": str, "arrays": [[name, type,
shape], ...]}``; the arrays' bytes in that order, little-endian. The digest finds damage, not
forgery: whoever may write the file may teach the router anything.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import struct
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import DatasetError, RouterError
from rag.json_text import parse_json
from rag.state.arrays import REMEDY, Arrays

MAGIC = b"chainrep router 1\n"
MAX_BYTES = 256 * 2**20
MAX_TABLE = 2**16
TYPES = {"<f8", "<f4", "<i8", "|u1"}


def write_state(path: Path, learner: str, arrays: Arrays) -> None:
    """Put the arrays into the file, on the disk before it returns; raises RouterError."""
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
        raise RouterError(
            "A router's state has grown too large to be kept.", "Give it a smaller window."
        )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
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
        raise RouterError(
            f"A router's state cannot be kept in {path} ({error.strerror}).",
            "Make room on the disk, and check that the folder is there and writable.",
        ) from error


def read_state(path: Path) -> tuple[str, Arrays]:
    """Return the learner's name and the arrays; raises RouterError for anything else."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RouterError(f"{path} cannot be read ({error.strerror}).", REMEDY) from error
    if len(content) > MAX_BYTES:
        raise RouterError(f"{path} is larger than any router's state.", REMEDY)
    if not content.startswith(MAGIC):
        raise RouterError(f"{path} is no router's state of this version.", REMEDY)
    start = len(MAGIC) + 32
    body = memoryview(content)[start:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : start]:
        raise RouterError(f"{path} is damaged: its digest is wrong.", REMEDY)
    if len(body) < 4:
        raise _malformed(path)
    (length,) = struct.unpack("<I", body[:4])
    if length > MAX_TABLE:
        raise _malformed(path)
    learner, table = _table(bytes(body[4 : 4 + length]), path)
    return learner, _arrays(table, body[4 + length :], path)


def part_of(arrays: Arrays, name: str) -> Arrays:
    """Return the arrays whose names begin with ``name`` and a dot, without that."""
    return {n.removeprefix(f"{name}."): a for n, a in arrays.items() if n.startswith(f"{name}.")}


def _table(content: bytes, path: Path) -> tuple[str, list[Any]]:
    try:
        stated = parse_json(content.decode("utf-8"), str(path))
    except (UnicodeDecodeError, DatasetError) as error:
        raise _malformed(path) from error
    if not isinstance(stated, dict) or set(stated) != {"learner", "arrays"}:
        raise _malformed(path)
    learner, table = stated["learner"], stated["arrays"]
    if not isinstance(learner, str) or not isinstance(table, list) or len(table) > 64:
        raise _malformed(path)
    return learner, table


def _arrays(table: list[Any], body: memoryview, path: Path) -> Arrays:
    found: dict[str, np.ndarray[Any, np.dtype[Any]]] = {}
    at = 0
    for entry in table:
        if not isinstance(entry, list) or len(entry) != 3:
            raise _malformed(path)
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
            raise _malformed(path)
        size = math.prod(shape) * np.dtype(kind).itemsize
        if size > len(body) - at:
            raise _malformed(path)
        array = np.frombuffer(body[at : at + size], dtype=kind).reshape(shape)
        found[name] = array.astype(array.dtype.newbyteorder("="))
        at += size
    if at != len(body):
        raise _malformed(path)
    return found


def _malformed(path: Path) -> RouterError:
    return RouterError(f"{path} does not have the form of a router's state.", REMEDY)
