"""The order in which examples are trained on; any point of it can be found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.training.reader.examples import Example
from scripts.training.reader.windows import Tokenised, Window

CHUNK = 48
"""Batches that are sorted by length together, so that little of a batch is padding."""

ELSEWHERE_SHARE = 0.10
SILENT_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the stream: pass over the data, chunk of the pass, batch of the chunk."""

    round: int = 0
    chunk: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded int64 token ids (b, t), their mask and segments; right starts and ends (b, t)."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    segments: NDArray[np.int64]
    starts: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    allowed: NDArray[np.bool_]


class Stream:
    """Shuffled passes over examples, cut anew each time; a window has at most ``limit`` tokens."""

    def __init__(
        self,
        examples: Sequence[Example],
        neighbours: Sequence[tuple[str, ...]],
        tokens: Tokenised,
        batch_size: int,
        limit: int,
        seed: int,
    ) -> None:
        self._examples = examples
        self._neighbours = neighbours
        self._tokens = tokens
        self._size, self._limit = batch_size, limit
        self._seed = seed

    @property
    def chunks(self) -> int:
        """How many chunks a pass has; the last examples of a pass may be left out."""
        return max(1, len(self._examples) // (CHUNK * self._size))

    def chunk(self, at: Point) -> Iterator[tuple[Point, Batch]]:
        """Yield the batches of a chunk from ``at.batch`` on, each with the point after it."""
        order = np.random.default_rng([self._seed, at.round]).permutation(len(self._examples))
        mine = order[at.chunk :: self.chunks][: CHUNK * self._size]
        rng = np.random.default_rng([self._seed, at.round, at.chunk])
        windows = [w for i in mine.tolist() if (w := self._window(i, rng)) is not None]
        windows.sort(key=lambda w: len(w.ids))
        starts = np.arange(0, len(windows), self._size)
        rng.shuffle(starts)
        for n, start in enumerate(starts.tolist()):
            if n < at.batch:
                continue
            last = n == len(starts) - 1
            ends_pass = at.chunk + 1 == self.chunks
            after = (
                Point(at.round, at.chunk, n + 1)
                if not last
                else Point(at.round + ends_pass, 0 if ends_pass else at.chunk + 1)
            )
            yield after, padded(windows[start : start + self._size])

    def _window(self, i: int, rng: np.random.Generator) -> Window | None:
        example, limit, draw = self._examples[i], self._limit, rng.random()
        if not example.answers:
            return self._tokens.elsewhere(example.question, example.text, limit, rng)
        if draw < ELSEWHERE_SHARE and self._neighbours[i]:
            text = self._neighbours[i][rng.integers(len(self._neighbours[i]))]
            return self._tokens.elsewhere(example.question, text, limit, rng)
        if draw > 1.0 - SILENT_SHARE:
            found = self._tokens.silent(example, limit, rng)
            if found is not None:
                return found
        return self._tokens.answering(example, limit, rng)


def padded(windows: Sequence[Window]) -> Batch:
    """Put windows side by side; only [CLS] and the text's tokens may be starts and ends."""
    shape = (len(windows), max(len(w.ids) for w in windows))
    ids, mask, segments = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    starts, ends, allowed = (np.zeros(shape, dtype=bool) for _ in range(3))
    for row, w in enumerate(windows):
        n = len(w.ids)
        ids[row, :n], mask[row, :n], segments[row, w.passage : n] = w.ids, 1, 1
        starts[row, list(w.starts)] = ends[row, list(w.ends)] = True
        allowed[row, 0] = allowed[row, w.passage : n - 1] = True
    return Batch(ids, mask, segments, starts, ends, allowed)
