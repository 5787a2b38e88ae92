"""An encoder that also hands out what it encoded, so that receipts are built while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.ports import Encoder, TokenStates

Sink = Callable[[Sequence[str], NDArray[np.float32]], None]


class EmbeddingRecorder:
    """Wraps an encoder; ``sink(texts, vectors)`` sees every batch before the caller does.

    It is an Encoder itself and can take the place of the one it wraps. What the sink raises
    reaches the caller: an answer without its receipt is not an answer.
    """

    def __init__(self, encoder: Encoder, sink: Sink) -> None:
        self._encoder = encoder
        self._sink = sink

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return L2-normalised float32 rows, shape (len(texts), dimensions)."""
        vectors = self._encoder.encode(texts)
        self._sink(texts, vectors)
        return vectors

    def tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return the wrapped encoder's tokens; they are not recorded."""
        return self._encoder.tokens(texts)
