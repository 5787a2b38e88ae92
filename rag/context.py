"""What a reader sees of one source: its best sentences with what stands beside them, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.types import Evidence, Passage


@dataclass(frozen=True, slots=True)
class Context:
    """Sentences in reading order: the passage of the best first, each passage in its own order."""

    pieces: tuple[Evidence, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, which alone decide what is read."""
        return tuple(piece.sentence for piece in self.pieces)


def context_of(
    evidence: Sequence[Evidence],
    room: int,
    length: Callable[[str], int],
    *,
    beside: int,
) -> Context:
    """Choose as many sentences of ranked evidence as fit into ``room``.

    ``length`` measures a sentence in the unit of ``room``, and is called only for those looked at.
    Each sentence, best first, brings the ``beside`` sentences before and behind it in its passage,
    as far as they are evidence too. The best sentence is taken even when it does not fit. A
    sentence that returns in another passage is kept once, of the better one.
    """
    distinct: dict[str, Evidence] = {}
    for item in evidence:
        distinct.setdefault(item.sentence, item)
    shown = list(distinct.values())
    inside: dict[Passage, list[Evidence]] = {}
    for item in shown:
        inside.setdefault(item.passage, []).append(item)
    place: dict[Evidence, int] = {}
    for passage, items in inside.items():
        items.sort(key=lambda e: (passage.text.find(e.sentence), e.sentence))
        place.update({item: i for i, item in enumerate(items)})
    taken: dict[Evidence, None] = {}
    used = 0
    for item in _with_neighbours(shown, inside, place, beside):
        if item in taken:
            continue
        used += length(item.sentence)
        if taken and used > room:
            break
        taken[item] = None
    rank: dict[Passage, int] = {}
    for item in taken:
        rank.setdefault(item.passage, len(rank))
    return Context(tuple(sorted(taken, key=lambda e: (rank[e.passage], place[e]))))


def _with_neighbours(
    shown: Sequence[Evidence],
    inside: Mapping[Passage, Sequence[Evidence]],
    place: Mapping[Evidence, int],
    beside: int,
) -> Iterator[Evidence]:
    """Yield each sentence, best first, and then what stands beside it; repeatedly, if need be."""
    for item in shown:
        yield item
        near = inside[item.passage]
        for distance in range(1, beside + 1):
            for at in (place[item] - distance, place[item] + distance):
                if 0 <= at < len(near):
                    yield near[at]
