"""Passages made searchable: BM25 over terms, or inner products over embeddings.

Both can be saved to a folder and opened again memory-mapped, so that an index need not fit into
memory. The same passages and parameters give the same files; no file is ever unpickled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.ports import Encoder
from rag.text import terms
from rag.types import Passage

if TYPE_CHECKING:
    import bm25s

QUERY_VERSION = 1
"""What a query finds in a saved index: raise it with each change of `rag.text.terms`, of the stop
words, of `MAX_QUERY_TERMS` or of the order of hits. A source signs that one version of a corpus
answers a query in one way only."""
MAX_QUERY_TERMS = 256
K1, B = 1.2, 0.75

_PARAMETERS = "params.index.json"
_VECTORS = "vectors.faiss"


def _quiet_bm25s() -> Any:
    """bm25s, which on import sets its own logger to tell each step."""
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


class Bm25Index:
    """BM25 (Lucene's variant, by bm25s) over the titles and texts of the passages."""

    def __init__(self, passages: Iterable[Passage], *, k1: float = K1, b: float = B) -> None:
        engine = _quiet_bm25s()
        numbers: dict[str, int] = {}  # in order of appearance: a set's order differs by process
        corpus = [
            [numbers.setdefault(term, len(numbers)) for term in terms(f"{p.title} {p.text}")]
            for p in passages
        ]
        self._bm25: bm25s.BM25 | None = None
        if numbers:
            self._bm25 = engine.BM25(k1=k1, b=b, method="lucene", backend="numpy")
            self._bm25.index((corpus, numbers), create_empty_token=False, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Bm25Index:
        """Open a saved index, memory-mapped; raises OSError or ValueError for what is none.

        What the files say is believed: check that they are the ones that were saved.
        """
        engine = _quiet_bm25s()
        opened = cls(())
        if (folder / _PARAMETERS).exists():
            found = engine.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
            for name in ("data", "indices", "indptr"):  # np.memmap itself makes every slice slow
                found.scores[name] = np.asarray(found.scores[name])
            opened._bm25 = found
        return opened

    def save(self, folder: Path) -> None:
        """Write the index into an empty folder; nothing where no passage has a term."""
        if self._bm25 is not None:
            self._bm25.save(folder, allow_pickle=False, show_progress=False)

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (passage position, score) that share a term with the query."""
        wanted = [t for t in terms(query)[:MAX_QUERY_TERMS] if self._knows(t)]
        if self._bm25 is None or not wanted:
            return []
        return _best(self._bm25.get_scores(wanted), k)

    def _knows(self, term: str) -> bool:
        return self._bm25 is not None and term in self._bm25.vocab_dict


class DenseIndex:
    """Exact search by inner product (faiss IndexFlatIP) over an encoder's embeddings.

    Searches from several threads embed their query one after the other.
    """

    def __init__(self, passages: Sequence[Passage], encoder: Encoder) -> None:
        self._encoder = encoder
        self._turn = Lock()
        self._flat: Any = None
        if passages:
            import faiss

            vectors = encoder.encode([f"{p.title} {p.text}".strip() for p in passages])
            self._flat = faiss.IndexFlatIP(vectors.shape[1])
            self._flat.add(vectors)

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> DenseIndex:
        """Open a saved index, memory-mapped; raises RuntimeError for what is none."""
        import faiss

        opened = cls((), encoder)
        if (folder / _VECTORS).exists():
            opened._flat = faiss.read_index(str(folder / _VECTORS), faiss.IO_FLAG_MMAP_IFC)
        return opened

    def save(self, folder: Path) -> None:
        """Write the index into a folder; nothing where there is no passage."""
        if self._flat is not None:
            import faiss

            faiss.write_index(self._flat, str(folder / _VECTORS))

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (passage position, cosine), best first, ties by position."""
        if self._flat is None or k < 1:
            return []
        with self._turn:
            vector = self._encoder.encode([query])
        scores, positions = self._flat.search(vector, min(k, self._flat.ntotal))
        hits = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


def _best(scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    """The ``k`` highest scores above 0 and their places, equal ones by place."""
    k = min(k, len(scores))
    if k < 1:
        return []
    least = np.partition(scores, -k)[-k]  # sorting all of a large corpus would take longer
    places = np.flatnonzero((scores >= least) & (scores > 0))
    order = places[np.argsort(-scores[places], kind="stable")[:k]]
    return [(int(i), float(scores[i])) for i in order]
