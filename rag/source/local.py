"""A source in this process: a corpus and its index behind the port a remote one will share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.index import Bm25Index
from rag.ports import Index
from rag.types import Passage


class Source:
    """A node that serves passages from its corpus, under the id it is registered with."""

    def __init__(
        self,
        source_id: int,
        passages: Sequence[Passage],
        index: Callable[[Sequence[Passage]], Index] = Bm25Index,
    ) -> None:
        self._id = source_id
        self._passages = tuple(passages)
        self._index = index(self._passages)

    @property
    def id(self) -> int:
        """The id under which the source is registered (uint32)."""
        return self._id

    def search(self, query: str, k: int) -> list[Passage]:
        """Return at most ``k`` passages, best first."""
        return [self._passages[position] for position, _ in self._index.search(query, k)]
