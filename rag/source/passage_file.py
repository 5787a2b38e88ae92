"""Passages in a file, memory-mapped: one that is never found is never read into memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from rag.types import Passage

TEXTS, OFFSETS = "passages.utf8", "passages.offsets.npy"


class PassageFile(Sequence[Passage]):
    """Passages as `write_passages` put them into a folder, in their order.

    Raises OSError or ValueError for what is none. The files must not change while they are open.
    """

    def __init__(self, folder: Path) -> None:
        self._offsets = np.asarray(np.load(folder / OFFSETS, mmap_mode="r", allow_pickle=False))
        with (folder / TEXTS).open("rb") as file:
            self._texts = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._offsets.dtype != np.uint64 or self._offsets.ndim != 1:
            raise ValueError("the offsets are no row of 64-bit numbers")
        if len(self._offsets) % 2 == 0 or self._offsets[-1] != len(self._texts):
            raise ValueError("the offsets are not those of the texts")

    def __len__(self) -> int:
        return len(self._offsets) // 2

    @overload
    def __getitem__(self, place: int) -> Passage: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Passage, ...]: ...
    def __getitem__(self, place: int | slice) -> Passage | tuple[Passage, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        at = 2 * (place % len(self))
        start, middle, end = (int(offset) for offset in self._offsets[at : at + 3])
        return Passage(self._texts[middle:end].decode(), self._texts[start:middle].decode())


def write_passages(folder: Path, passages: Iterable[Passage]) -> None:
    """Write at least one passage into a folder: all titles and texts, and where each begins."""
    offsets = [0]
    with (folder / TEXTS).open("wb") as file:
        for passage in passages:
            for part in (passage.title, passage.text):
                offsets.append(offsets[-1] + file.write(part.encode()))
    np.save(folder / OFFSETS, np.array(offsets, dtype=np.uint64), allow_pickle=False)
