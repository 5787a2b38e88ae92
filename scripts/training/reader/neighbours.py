"""For each question, texts that look as if they answered it and do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags

from rag.text import terms
from scripts.training.reader.examples import Example

NEIGHBOURS = 8
_BLOCK = 1000


def lexical_neighbours(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """Return, per example, other texts by the cosine of tf-idf with the question.

    A text that contains one of the answers is left out, because it might answer.
    """
    texts = list(dict.fromkeys(e.text for e in examples))
    lowered = [t.lower() for t in texts]
    vocabulary: dict[str, int] = {}
    found = _counts([terms(t) for t in texts], vocabulary)
    df = np.asarray((found > 0).sum(axis=0)).ravel()
    rarity = diags(np.log(len(texts) / np.maximum(df, 1)))
    weighted = found.log1p() @ rarity
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted = diags(1.0 / np.maximum(norms, 1e-9)) @ weighted
    result: list[tuple[str, ...]] = []
    for at in range(0, len(examples), _BLOCK):
        block = examples[at : at + _BLOCK]
        asked = _counts([terms(e.question) for e in block], vocabulary, weighted.shape[1])
        scores = (asked @ rarity @ weighted.T).toarray()
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, : 4 * NEIGHBOURS]
        for example, row in zip(block, nearest.tolist(), strict=True):
            answers = [a.lower() for a in example.strings]
            other = [
                texts[i]
                for i in row
                if texts[i] != example.text and not any(a in lowered[i] for a in answers)
            ]
            result.append(tuple(other[:NEIGHBOURS]))
    return result


def _counts(
    documents: Sequence[Sequence[str]], vocabulary: dict[str, int], columns: int | None = None
) -> csr_matrix:
    """Count terms; with ``columns`` the vocabulary is closed."""
    rows, places = [], []
    for row, document in enumerate(documents):
        for term in document:
            if columns is None:
                vocabulary.setdefault(term, len(vocabulary))
            if term in vocabulary:
                rows.append(row)
                places.append(vocabulary[term])
    shape = (len(documents), columns or len(vocabulary))
    ones = np.ones(len(rows), dtype=np.float32)
    return csr_matrix((ones, (rows, places)), shape=shape)
