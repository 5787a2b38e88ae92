"""Settings chosen on one half of the requests and on worlds that nothing is reported on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.encoder import MiniLMEncoder
from rag.routing.best_known import BestKnownRouter
from rag.routing.features import QueryFeatures
from rag.routing.learning_router import LearningRouter
from rag.routing.linucb import LinearSetting, LinUcbLearner
from rag.routing.neighbours import NeighbourSetting
from rag.routing.projection import random_projection
from rag.routing.thompson import LinearThompsonLearner
from scripts.benchmarks.routing import federation, offline, online
from scripts.benchmarks.routing.feb4rag import Requests

SEEDS = range(1_000, 1_048)
HOPES = (0.2, 0.3, 0.5, 0.8)
SHARPNESSES = (6.0, 10.0, 15.0)
LINEAR_HOPES = (0.03, 0.1, 0.3)
RIDGES = (0.1, 1.0)
NEARESTS = (1, 5)
GAINS = (0.002, 0.003, 0.004, 0.0045, 0.005, 0.0055, 0.006, 0.007, 0.008)
LOSS = 0.01


@dataclass(frozen=True)
class Tuned:
    """The settings in use; ``offline`` is for full grades, ``gain`` the federation's."""

    neighbours: NeighbourSetting
    offline: NeighbourSetting
    linear: LinearSetting
    thompson: LinearSetting
    gain: float


def halves(count: int) -> tuple[list[int], list[int]]:
    """Return the requests to tune on and the others."""
    order = np.random.default_rng(2026).permutation(count)
    return sorted(order[: count // 2].tolist()), sorted(order[count // 2 :].tolist())


def tuned_on(encoder: MiniLMEncoder, requests: Requests, pool: Sequence[int]) -> Tuned:
    """Return, per method, the setting with the highest online nP@3 over the pool."""
    plain = QueryFeatures(encoder, form_weight=0.0)

    def reached(make: online.Maker) -> float:
        return float(online.measured(make, requests, pool, SEEDS)["all"])  # type: ignore[arg-type]

    def linear(kind: type[LinUcbLearner]) -> LinearSetting:
        ways = [LinearSetting(h, r, 1.0) for h, r in itertools.product(LINEAR_HOPES, RIDGES)]
        return max(
            ways,
            key=lambda way: reached(
                lambda seed: LearningRouter(
                    kind(random_projection(plain.dimensions, seed=seed), way),
                    plain, choosing=online.BARE, seed=seed,
                )
            ),
        )  # fmt: skip

    ways = [
        replace(NeighbourSetting(), hope=hope, sharpness=sharpness)
        for hope, sharpness in itertools.product(HOPES, SHARPNESSES)
    ]
    best = max(ways, key=lambda way: reached(lambda seed: online.ours(encoder, way, seed)))
    return Tuned(
        best,
        offline_on(encoder, requests, pool, best),
        linear(LinUcbLearner),
        linear(LinearThompsonLearner),
        gain_on(encoder, requests, best),
    )


def offline_on(
    encoder: MiniLMEncoder, requests: Requests, pool: Sequence[int], online_best: NeighbourSetting
) -> NeighbourSetting:
    """Return the setting with the highest offline nDCG@3 over the pool, by its own five folds."""
    features = np.stack([QueryFeatures(encoder).of(requests.texts[n]) for n in pool])
    rewards = requests.rewards[list(pool)]
    ways = [
        replace(online_best, nearest=nearest, sharpness=sharpness)
        for nearest, sharpness in itertools.product(NEARESTS, SHARPNESSES)
    ]

    def reached(way: NeighbourSetting) -> float:
        runs = [
            offline.cross_validated(offline.learner(way), features, rewards, seed)["ndcg3"]
            for seed in (1_000, 1_001)
        ]
        return float(np.nanmean(runs))

    return max(ways, key=reached)


def gain_on(encoder: MiniLMEncoder, requests: Requests, setting: NeighbourSetting) -> float:
    """Return the gain that saves most calls at ≤ LOSS below asking all, in worlds of its own."""
    vectors = encoder.encode(requests.texts).astype(np.float64)
    worlds = {
        seed: federation.draw_world(requests.texts, vectors, federation.LENGTH, seed)
        for seed in SEEDS[:24]
    }
    everywhere = np.mean(
        [federation.run(BestKnownRouter(), world, seed)[0] for seed, world in worlds.items()]
    )
    found = 0.0
    for gain in GAINS:
        runs = [
            federation.run(federation.ours(encoder, setting, gain, seed), world, seed)[0]
            for seed, world in worlds.items()
        ]
        if np.mean(runs) >= everywhere - LOSS:
            found = gain
    return found
