"""Questions about two things, and sources of which each knows one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rag.ports import TokenStates
from rag.routing.features import QueryFeatures


class TwoTopics:
    """Encodes a text by the words "sea" and "sky", with a little of its own to tell texts apart."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), 8), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0], row[1] = "sea" in text, "sky" in text
            row[2 + sum(text.encode()) % 6] = 0.2
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        raise AssertionError("routing reads no tokens")


@pytest.fixture
def features() -> QueryFeatures:
    return QueryFeatures(TwoTopics(), dimensions=8)
