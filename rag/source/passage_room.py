"""How much of what a source sends is read: so that no source can make everybody else wait.

Screen, reranker and reader take time by the character. 10 honest passages of a paragraph each are
about 8,000 characters together, and the screen takes 2 ms for them; a source may send 1 MiB, for
which it takes 440 ms, and 31 ms for the most that is read of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rag.text import clean
from rag.types import Passage

PASSAGE_CHARS = 8_000
"""Of one passage with its title: several pages."""
ANSWER_CHARS = 64_000
"""Of all passages of one answer."""


@dataclass(frozen=True, slots=True)
class PassageRoom:
    """Characters that are read of one passage with its title, and of all of one answer."""

    passage: int = PASSAGE_CHARS
    answer: int = ANSWER_CHARS


def fit(passages: Iterable[Passage], room: PassageRoom) -> tuple[tuple[Passage, ...], int]:
    """The passages cleaned, none of them empty, and how many were shortened or left out for room.

    Whoever checks a receipt does so before: it covers the texts as they were sent.
    """
    fitting: list[Passage] = []
    shortened, left = 0, room.answer
    for passage in passages:
        title, text = clean(passage.title), clean(passage.text)
        if not text:
            continue
        space = min(room.passage, left)
        cut = Passage(text[: max(0, space - len(title))].rstrip(" "), title)
        shortened += cut.text != text
        if cut.text:
            fitting.append(cut)
            left -= len(title) + len(cut.text)
    return tuple(fitting), shortened
