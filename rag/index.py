"""Passages made searchable: BM25 over terms, or inner products over embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.ports import Encoder
from rag.text import terms
from rag.types import Passage

MAX_QUERY_TERMS = 256


class Bm25Index:
    """BM25 (Lucene's variant, by bm25s) over the titles and texts of the passages."""

    def __init__(self, passages: Sequence[Passage], *, k1: float = 1.2, b: float = 0.75) -> None:
        import bm25s

        corpus = [terms(f"{passage.title} {passage.text}") for passage in passages]
        self._size = len(corpus)
        self._bm25: bm25s.BM25 | None = None
        if any(corpus):
            self._bm25 = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy")
            self._bm25.index(corpus, show_progress=False)

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (passage position, score) that share a term with the query."""
        wanted = [t for t in terms(query)[:MAX_QUERY_TERMS] if self._knows(t)]
        if self._bm25 is None or not wanted:
            return []
        scores = self._bm25.get_scores(wanted)
        return [hit for hit in _best(scores, k) if hit[1] > 0.0]

    def _knows(self, term: str) -> bool:
        return self._bm25 is not None and term in self._bm25.vocab_dict


class DenseIndex:
    """Exact search by inner product (faiss IndexFlatIP) over an encoder's embeddings."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder) -> None:
        self._encoder = encoder
        self._size = len(passages)
        if passages:
            import faiss

            vectors = encoder.encode([f"{p.title} {p.text}".strip() for p in passages])
            self._flat = faiss.IndexFlatIP(vectors.shape[1])
            self._flat.add(vectors)

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (passage position, cosine), best first, ties by position."""
        if not self._size or k < 1:
            return []
        scores, positions = self._flat.search(self._encoder.encode([query]), min(k, self._size))
        hits = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


def _best(scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    order = np.argsort(-scores, kind="stable")[: max(k, 0)]
    return [(int(i), float(scores[i])) for i in order]
