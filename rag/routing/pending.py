"""Choices whose worth is not known yet."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from rag.errors import RouterError
from rag.routing.exploration import digest_of
from rag.state.arrays import REMEDY, Arrays, Floats, taken

LIMIT = 1_000


class Pending:
    """The last ``limit`` choices by key: the question's features and who has no reward yet."""

    def __init__(self, dimensions: int, limit: int = LIMIT) -> None:
        self._dimensions = dimensions
        self._limit = limit
        self._choices: OrderedDict[bytes, tuple[Floats, tuple[int, ...]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._choices)

    def put(self, key: str, features: Floats, sources: tuple[int, ...]) -> None:
        """Remember a choice; the oldest beyond the limit is forgotten, and never rewarded."""
        self._keep(digest_of(key), features, sources)

    def take(self, key: str, sources: frozenset[int]) -> tuple[Floats, tuple[int, ...]] | None:
        """Return the features, and those of ``sources`` that wait for a reward: each does once."""
        digest = digest_of(key)
        found = self._choices.get(digest)
        if found is None:
            return None
        features, waiting = found
        left = tuple(s for s in waiting if s not in sources)
        if left:
            self._choices[digest] = (features, left)
        else:
            del self._choices[digest]
        return features, tuple(s for s in waiting if s in sources)

    def state(self) -> Arrays:
        """Return all choices, oldest first."""
        features = [features for features, _ in self._choices.values()]
        sources = [sources for _, sources in self._choices.values()]
        return {
            "keys": np.frombuffer(b"".join(self._choices), dtype=np.uint8).reshape(-1, 16),
            "features": np.array(features, dtype=np.float32).reshape(-1, self._dimensions),
            "counts": np.array([len(each) for each in sources], dtype=np.int64),
            "waiting": np.array([s for each in sources for s in each], dtype=np.int64),
        }

    def restore(self, state: Arrays) -> None:
        """Take over choices; raises RouterError if they do not fit."""
        keys = taken(state, "keys", np.uint8, (None, 16))
        features = taken(state, "features", np.float32, (len(keys), self._dimensions))
        counts = taken(state, "counts", np.int64, (len(keys),), most=1e6)
        waiting = taken(state, "waiting", np.int64, (None,))
        if int(counts.sum()) != len(waiting):
            raise RouterError("A router's state counts its choices wrongly.", REMEDY)
        self._choices.clear()
        parts = np.split(waiting, np.cumsum(counts)[:-1]) if len(counts) else []
        for key, row, part in zip(keys, features, parts, strict=True):
            self._keep(key.tobytes(), row.astype(np.float64), tuple(int(s) for s in part))

    def _keep(self, digest: bytes, features: Floats, sources: tuple[int, ...]) -> None:
        self._choices[digest] = (features, sources)
        self._choices.move_to_end(digest)
        while len(self._choices) > self._limit:
            self._choices.popitem(last=False)
