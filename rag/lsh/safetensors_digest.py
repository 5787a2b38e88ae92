"""The root of a model's weights: SHA-256 over its tensors, however they are cut into files."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rag.errors import DatasetError, ModelError
from rag.json_text import parse_json

MAX_FILES = 4096
MAX_HEADER = 100_000_000  # the limit of safetensors itself
_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    start: int
    size: int


def weights_root(folder: Path) -> bytes:
    """Return the 32-byte root of the ``*.safetensors`` in ``folder``.

    SHA-256 over, for each tensor in the order of its name's UTF-8 bytes, the canonical JSON of
    [name, dtype, shape] with its length as 4 bytes big-endian, then the SHA-256 of the tensor's
    bytes. Files are streamed. Raises ModelError when there is none or one of them is malformed.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files or len(files) > MAX_FILES:
        raise ModelError(
            f"There are {len(files)} safetensors files in {folder.name}.",
            f"Give a folder with 1 to {MAX_FILES:,} of them; convert other weights first.",
        )
    tensors = [tensor for file in files for tensor in _tensors(file)]
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise ModelError(
            f"Two files in {folder.name} hold a tensor of the same name.",
            "Remove the weights that do not belong to the model.",
        )
    root = hashlib.sha256()
    for tensor in sorted(tensors, key=lambda t: t.name.encode()):
        label = json.dumps(
            [tensor.name, tensor.dtype, tensor.shape], separators=(",", ":")
        ).encode()
        root.update(struct.pack(">I", len(label)) + label + _digest(tensor))
    return root.digest()


def _tensors(file: Path) -> list[_Tensor]:
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", _exactly(stream, 8))
            if length > min(MAX_HEADER, size - 8):
                raise ValueError("its header is longer than the file or than the format allows")
            header = parse_json(_exactly(stream, length).decode(), file.name)
        return [
            _tensor(file, name, entry, 8 + length, size)
            for name, entry in header.items()
            if name != "__metadata__"
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DatasetError) as error:
        raise ModelError(
            f"{file.name} is not a safetensors file: {error}.", "Download the weights again."
        ) from error


def _tensor(file: Path, name: str, entry: dict[str, Any], base: int, size: int) -> _Tensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    numbers = (start, end, *shape)
    if not all(type(n) is int and n >= 0 for n in numbers) or not start <= end <= size - base:
        raise ValueError("a tensor lies outside the file")
    return _Tensor(name, str(entry["dtype"]), shape, file, base + start, end - start)


def _digest(tensor: _Tensor) -> bytes:
    content = hashlib.sha256()
    with tensor.file.open("rb") as stream:
        stream.seek(tensor.start)
        left = tensor.size
        while left:
            chunk = stream.read(min(left, _CHUNK))
            if not chunk:
                raise ModelError(
                    f"{tensor.file.name} became shorter while it was read.",
                    "Let no other program write to the model's folder.",
                )
            content.update(chunk)
            left -= len(chunk)
    return content.digest()


def _exactly(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) != count:
        raise ValueError("it ends too early")
    return found
