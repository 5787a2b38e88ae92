"""What a question is about, as far as evidence is kept apart by it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rag.ports import Encoder
from rag.state.arrays import Arrays, Floats, taken

MOST = 12
NEAR = 0.3
DIMENSIONS = 384


class Topics(Protocol):
    """Gives every question a topic; what it learns from them can be kept."""

    def of(self, question: str) -> str:
        """Return the topic's name; "" is none."""
        ...

    def state(self) -> Arrays:
        """Return everything learned, as named arrays."""
        ...

    def restore(self, state: Arrays) -> None:
        """Take over what ``state`` returned; raises StateError if it does not fit."""
        ...


class QuestionTopics:
    """The nearest of at most ``most`` centres that move with the questions: sequential k-means.

    (MacQueen, 1967, on unit vectors.) A question whose cosine with every centre is under ``near``
    is a centre of its own while there is room. A centre never moves less than 1/``inertia`` of the
    way, so that it follows what is asked.
    """

    def __init__(
        self,
        encoder: Encoder,
        most: int = MOST,
        near: float = NEAR,
        dimensions: int = DIMENSIONS,
        inertia: float = 200.0,
    ) -> None:
        self._encoder = encoder
        self._most = most
        self._near = near
        self._inertia = inertia
        self._centres: Floats = np.zeros((0, dimensions))
        self._counts: Floats = np.zeros(0)

    def of(self, question: str) -> str:
        """Return the number of the centre, and move it toward the question."""
        x = self._encoder.encode([question])[0].astype(np.float64)
        likeness = self._centres @ x
        if len(likeness) < self._most and (not len(likeness) or likeness.max() < self._near):
            self._centres = np.vstack([self._centres, x])
            self._counts = np.append(self._counts, 1.0)
            return str(len(self._counts) - 1)
        n = int(likeness.argmax())
        self._counts[n] = min(self._counts[n] + 1.0, self._inertia)
        moved = self._centres[n] + (x - self._centres[n]) / self._counts[n]
        self._centres[n] = moved / max(float(np.linalg.norm(moved)), 1e-12)
        return str(n)

    def state(self) -> Arrays:
        """Return centres (topics, dimensions) and how many questions each stands for."""
        return {"centres": self._centres, "counts": self._counts}

    def restore(self, state: Arrays) -> None:
        """Take over centres, the first ``most`` of them."""
        centres = taken(state, "centres", np.float64, (None, self._centres.shape[1]))
        counts = taken(state, "counts", np.float64, (len(centres),), most=1e12)
        self._centres = centres[: self._most]
        self._counts = np.maximum(counts[: self._most], 1.0)


class OneTopic:
    """No question differs from another."""

    def of(self, question: str) -> str:  # noqa: ARG002 - they are all alike
        """Return no topic."""
        return ""

    def state(self) -> Arrays:
        """Return nothing."""
        return {}

    def restore(self, state: Arrays) -> None:
        """Take nothing over."""
