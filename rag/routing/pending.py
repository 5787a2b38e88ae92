"""Choices whose worth is not known yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rag.errors import StateError
from rag.routing.exploration import digest_of
from rag.state.arrays import REMEDY, Arrays, Floats, taken

LIMIT = 1_000
_NO_WORD = -1.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a reward teaches: of a question's ``features``, first ``rewards`` by source, and those
    ``replaced`` by gold: (what was learned before, what gold says).
    """

    features: Floats
    rewards: Mapping[int, float]
    replaced: Mapping[int, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Choice:
    features: Floats
    waiting: tuple[int, ...]
    told: Mapping[int, float] = field(default_factory=dict)


class Pending:
    """The last ``limit`` choices by key: who has no reward yet, and who has only a user's."""

    def __init__(self, dimensions: int, limit: int = LIMIT) -> None:
        self._dimensions = dimensions
        self._limit = limit
        self._choices: OrderedDict[bytes, _Choice] = OrderedDict()

    def __len__(self) -> int:
        return len(self._choices)

    def put(self, key: str, features: Floats, sources: tuple[int, ...]) -> None:
        """Remember a choice; the oldest beyond the limit is forgotten, and never rewarded."""
        self._keep(digest_of(key), _Choice(features, sources))

    def take(self, key: str, rewards: Mapping[int, float], *, gold: bool) -> Lesson | None:
        """Return what rewards for an earlier choice teach, if it is remembered.

        Of each source the first counts, but gold once more where only a user has spoken before.
        """
        digest = digest_of(key)
        found = self._choices.get(digest)
        if found is None:
            return None
        first = {s: float(rewards[s]) for s in found.waiting if s in rewards}
        old = {s: word for s, word in found.told.items() if gold and s in rewards}
        told = {s: word for s, word in found.told.items() if s not in old}
        left = tuple(s for s in found.waiting if s not in first)
        told |= {} if gold else first
        if left or told:
            self._choices[digest] = _Choice(found.features, left, told)
        else:
            del self._choices[digest]
        replaced = {s: (word, float(rewards[s])) for s, word in old.items()}
        return Lesson(found.features, first, replaced)

    def state(self) -> Arrays:
        """Return all choices, oldest first."""
        choices = list(self._choices.values())
        words = [{**dict.fromkeys(c.waiting, _NO_WORD), **c.told} for c in choices]
        return {
            "keys": np.frombuffer(b"".join(self._choices), dtype=np.uint8).reshape(-1, 16),
            "features": np.array([c.features for c in choices], dtype=np.float32).reshape(
                -1, self._dimensions
            ),
            "counts": np.array([len(each) for each in words], dtype=np.int64),
            "sources": np.array([s for each in words for s in each], dtype=np.int64),
            "words": np.array([w for each in words for w in each.values()], dtype=np.float64),
        }

    def restore(self, state: Arrays) -> None:
        """Take over choices; raises StateError if they do not fit."""
        keys = taken(state, "keys", np.uint8, (None, 16))
        features = taken(state, "features", np.float32, (len(keys), self._dimensions))
        counts = taken(state, "counts", np.int64, (len(keys),), most=1e6)
        sources = taken(state, "sources", np.int64, (None,))
        words = taken(state, "words", np.float64, (len(sources),))
        if int(counts.sum()) != len(sources):
            raise StateError("A router's state counts its choices wrongly.", REMEDY)
        if not ((words == _NO_WORD) | ((words >= 0.0) & (words <= 1.0))).all():
            raise StateError("A router's state has a reward out of range.", REMEDY)
        self._choices.clear()
        ends = np.cumsum(counts).tolist()
        for key, row, count, end in zip(keys, features, counts.tolist(), ends, strict=True):
            part = slice(end - count, end)
            each = dict(zip(sources[part].tolist(), words[part].tolist(), strict=True))
            waiting = tuple(s for s, word in each.items() if word == _NO_WORD)
            told = {s: word for s, word in each.items() if word != _NO_WORD}
            self._keep(key.tobytes(), _Choice(row.astype(np.float64), waiting, told))

    def _keep(self, digest: bytes, choice: _Choice) -> None:
        self._choices[digest] = choice
        self._choices.move_to_end(digest)
        while len(self._choices) > self._limit:
            self._choices.popitem(last=False)
