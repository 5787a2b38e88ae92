"""How many blocks to ask for at once: as many as this server answers, found out by trying.

Every provider has its own limit, of blocks, logs, bytes or seconds, and its own words for it, so
that a refusal of any kind halves the range. Some name the range that they would answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from chainrep.errors import AskedTooMuch, ChainError, ChainUnreachable, FalseAnswer

T = TypeVar("T")

FIRST_BLOCKS, MAX_BLOCKS = 2_000, 100_000
MANY_LOGS = 5_000
PATIENCE = 32
"""Answers at a size that was refused above, before a larger one is tried again."""
_SUGGESTED = re.compile(r"\[?(0x[0-9a-f]{1,16}), ?(0x[0-9a-f]{1,16})\]?", re.IGNORECASE)
_LIMIT = re.compile(
    r"(?:limit|max|range|up to|exceed)\D{0,60}?([\d,_]{2,9})(?: block|\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RangeSize:
    """``blocks`` to ask for next; more than ``ceiling`` was refused, ``answered`` answers ago."""

    blocks: int = FIRST_BLOCKS
    ceiling: int = MAX_BLOCKS
    answered: int = 0

    def after(self, logs: int) -> RangeSize:
        """After an answer to a whole range: larger, halfway at most to what was refused before.

        Smaller after very many logs, so that one step never holds more than memory and the store
        can take at once.
        """
        if logs > MANY_LOGS:
            return replace(self, blocks=max(1, self.blocks // 2))
        if self.answered >= PATIENCE:
            raised = min(MAX_BLOCKS, 2 * self.ceiling)
            return RangeSize(min(2 * self.blocks, raised), raised)
        larger = min(2 * self.blocks, (self.blocks + self.ceiling + 1) // 2)
        stays = self.ceiling - self.blocks <= self.blocks // 8 or logs > MANY_LOGS // 2
        return replace(self, blocks=self.blocks if stays else larger, answered=self.answered + 1)

    def shrunk(self, asked: int, refusal: str = "") -> RangeSize:
        """After a refusal of ``asked`` blocks: half as many, or as few as the refusal names."""
        half = max(1, asked // 2)
        named = _named_in(refusal)
        blocks = named if named is not None and 0 < named < asked else half
        return RangeSize(blocks, max(1, asked - 1))

    def range_from(self, first: int, last: int) -> tuple[int, int]:
        """The first and last block to ask for, of those that are wanted."""
        return first, min(last, first + self.blocks - 1)


def smaller_helps(refusal: ChainError, first: int, last: int) -> bool:
    """Whether fewer blocks may be answered; not by a server that is gone, or that lied."""
    gone = isinstance(refusal, ChainUnreachable) and not isinstance(refusal, AskedTooMuch)
    return first < last and not gone and not isinstance(refusal, FalseAnswer)


def read_ranges(
    read: Callable[[int, int], Sequence[T]], first: int, last: int
) -> Iterator[tuple[int, Sequence[T]]]:
    """What ``read`` finds from ``first`` to ``last``, with the last block of each range asked for.

    Raises the ChainError of ``read`` where smaller ranges do not help.
    """
    size = RangeSize()
    while first <= last:
        _, end = size.range_from(first, last)
        try:
            found = read(first, end)
        except ChainError as refusal:
            if not smaller_helps(refusal, first, end):
                raise
            size = size.shrunk(end - first + 1, refusal.summary)
            continue
        if end - first + 1 == size.blocks:
            size = size.after(len(found))
        yield end, found
        first = end + 1


def _named_in(refusal: str) -> int | None:
    suggested = _SUGGESTED.search(refusal)
    if suggested:
        first, last = (int(number, 16) for number in suggested.groups())
        return last - first + 1
    limit = _LIMIT.search(refusal)
    return int(limit.group(1).replace(",", "").replace("_", "") or 0) if limit else None
