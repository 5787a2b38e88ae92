"""A small world of statements: sources of different reliability say what value an entity has.

A passage is a source's name and what it says of one entity, in a quarter of the cases of another
than the one that is asked about. Each source is right as often as its reliability says,
independently; half of the wrong statements are one lie that all liars share. Whoever is to answer
well must find the statements that matter and must have learned whom to believe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.credit.log_prob import Prompt

RELIABILITY = (0.98, 0.8, 0.6, 0.4, 0.2, 0.02)
ENTITIES = 4
VALUES = 8
OFF_TOPIC = 0.25
SHARED_LIES = 0.5
SOURCES = tuple(f"s{i}" for i in range(len(RELIABILITY)))
WORDS = (
    "read", "ask", *SOURCES, *(f"e{i}" for i in range(ENTITIES)), *(f"v{i}" for i in range(VALUES)),
)  # fmt: skip

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scenes:
    """Many scenes: the entity asked for and its true value (scenes,), and each source's statement,
    its entity and its value (scenes, sources).
    """

    asked: Ints
    truth: Ints
    entities: Ints
    values: Ints

    def prompt(self, scene: int, sources: tuple[int, ...], answer: str) -> Prompt:
        """Return a scene's question with the passages of ``sources`` only."""
        return Prompt(
            head="read",
            passages=tuple(self.passage(scene, s) for s in sources),
            tail=f" ask e{self.asked[scene]}",
            answer=f" {answer}",
        )

    def passage(self, scene: int, source: int) -> str:
        """Return what a source says."""
        return f" s{source} e{self.entities[scene, source]} v{self.values[scene, source]}"


def draw_scenes(count: int, chance: np.random.Generator) -> Scenes:
    """Draw scenes in which every source says something."""
    shape = (count, len(RELIABILITY))
    asked = chance.integers(ENTITIES, size=count)
    off = chance.random(shape) < OFF_TOPIC
    entities = (asked[:, None] + off * chance.integers(1, ENTITIES, shape)) % ENTITIES
    # Of every entity there is a true value and a lie that liars share.
    truths = chance.integers(VALUES, size=(count, ENTITIES))
    lies = (truths + chance.integers(1, VALUES, truths.shape)) % VALUES
    true = np.take_along_axis(truths, entities, axis=1)
    lie = np.take_along_axis(lies, entities, axis=1)
    other = (true + chance.integers(1, VALUES, shape)) % VALUES
    right = chance.random(shape) < np.array(RELIABILITY)
    wrong = np.where(chance.random(shape) < SHARED_LIES, lie, other)
    truth = np.take_along_axis(truths, asked[:, None], axis=1)[:, 0]
    return Scenes(asked, truth, entities, np.where(right, true, wrong))
