"""Specialists: how many sources need asking before the vote is as good as with all of them?

A simulated federation (scenario S7): real questions in topics that k-means finds among their
MiniLM vectors; each source is right with chance .9 on its topics and .2 elsewhere, and a wrong
answer is one of five. Answers vote, every picked source's answer is judged, and the same draws of
answers stand for all methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.ports import Encoder
from rag.ports import Router as RouterPort
from rag.routing.features import QueryFeatures
from rag.routing.learning_router import Choosing, LearningRouter
from rag.routing.neighbours import NeighbourLearner, NeighbourSetting
from rag.types import Reliability
from rag.weighing import vote_weights
from scripts.benchmarks.routing.feb4rag import Floats

LENGTH = 700
SOURCES = 12
TOPICS = 6
TOPICS_EACH = 2
KNOWS, GUESSES, WRONG = 0.9, 0.2, 5


@dataclass(frozen=True)
class World:
    """Questions in their order, and each source's answer to each: 0 is right."""

    texts: tuple[str, ...]
    answers: NDArray[np.int64]


def draw_world(texts: Sequence[str], vectors: Floats, length: int, seed: int) -> World:
    """Return a world of ``length`` of the questions, and answers of SOURCES specialists."""
    draw = np.random.default_rng([seed, 7])
    topics = clusters(vectors, TOPICS, draw)
    asked = draw.permutation(len(texts))[:length]
    # Every topic has as many specialists as every other.
    owned = np.arange(SOURCES * TOPICS_EACH).reshape(SOURCES, TOPICS_EACH) % TOPICS
    expert = (owned[:, :, None] == topics[asked]).any(axis=1).T
    right = draw.random((length, SOURCES)) < np.where(expert, KNOWS, GUESSES)
    wrong = draw.integers(1, WRONG + 1, size=(length, SOURCES))
    return World(tuple(texts[n] for n in asked), np.where(right, 0, wrong))


def run(
    router: RouterPort, world: World, seed: int, *, weighted: bool = False
) -> tuple[Floats, Floats]:
    """Return per question whether the vote was right, and how many sources were asked.

    ``weighted`` gives votes the product's weights by each source's record over all topics.
    """
    marks, calls = np.zeros(len(world.texts)), np.zeros(len(world.texts))
    sources = range(SOURCES)
    known: dict[int, Reliability] = {}
    for turn, text in enumerate(world.texts):
        key = f"{seed}/{turn}"
        picked = router.choose(key, text, sources, known, {})
        weights = vote_weights(picked, known if weighted else {}, picked)
        tally = np.zeros(WRONG + 1)
        for source in picked:
            tally[world.answers[turn, source]] += weights[source]
        best = np.flatnonzero(tally >= tally.max() - 1e-12)
        marks[turn] = (0 in best) / len(best)
        calls[turn] = len(picked)
        rewards = {s: float(world.answers[turn, s] == 0) for s in picked}
        router.learn(key, rewards)
        for source, reward in rewards.items():
            before = known.get(source, Reliability())
            known[source] = Reliability(
                before.supported + reward, before.contradicted + 1.0 - reward
            )
    return marks, calls


def ours(encoder: Encoder, setting: NeighbourSetting, gain: float, seed: int) -> LearningRouter:
    """Return the product's router without a limit: three are asked, then what ``gain`` says."""
    features = QueryFeatures(encoder)
    learner = NeighbourLearner(features.dimensions, setting)
    return LearningRouter(learner, features, choosing=Choosing(gain=gain), seed=seed)


def clusters(vectors: Floats, count: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """Return the cluster of each unit vector: k-means by cosine, 30 rounds from random points."""
    centres = vectors[draw.choice(len(vectors), size=count, replace=False)]
    found = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(30):
        found = np.argmax(vectors @ centres.T, axis=1)
        sums = np.stack([vectors[found == c].sum(axis=0) for c in range(count)])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return found
