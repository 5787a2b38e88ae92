"""Three picks per request, feedback for the picks only, and nothing known before the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rag.ports import Encoder
from rag.ports import Router as RouterPort
from rag.routing.estimate import Learner
from rag.routing.features import QueryFeatures
from rag.routing.learning_router import Choosing, LearningRouter, Logged
from rag.routing.linucb import LinearSetting, LinUcbLearner
from rag.routing.neighbours import NeighbourLearner, NeighbourSetting
from rag.routing.projection import random_projection
from rag.routing.thompson import BetaThompsonLearner, LinearThompsonLearner
from rag.routing.uniform import UniformRouter
from scripts.benchmarks.routing.feb4rag import Floats, Requests, share_of_best

PICKS = 3
LAST = 300
BARE = Choosing(limit=PICKS, least=PICKS, explore=0.0)
OURS = Choosing(limit=PICKS, least=PICKS)
Maker = Callable[[int], RouterPort]


def contenders(
    encoder: Encoder, setting: NeighbourSetting, linear: LinearSetting, thompson: LinearSetting
) -> dict[str, Maker]:
    """Return what makes each method's router for a seed.

    Only ours carries the floor of exploration; epsilon-greedy draws a tenth of its picks.
    """
    plain = QueryFeatures(encoder, form_weight=0.0)
    greedy = replace(linear, hope=0.0)

    def linear_model(kind: type[LinUcbLearner], way: LinearSetting) -> Callable[[int], Learner]:
        return lambda seed: kind(random_projection(plain.dimensions, seed=seed), way)

    def bare(make: Callable[[int], Learner], choosing: Choosing = BARE) -> Maker:
        return lambda seed: LearningRouter(make(seed), plain, choosing=choosing, seed=seed)

    return {
        "uniform": lambda seed: UniformRouter(PICKS, seed),
        "beta_thompson": bare(lambda _: BetaThompsonLearner(discount=1.0)),
        "epsilon_greedy": bare(linear_model(LinUcbLearner, greedy), replace(BARE, explore=0.1)),
        "linucb": bare(linear_model(LinUcbLearner, linear)),
        "linear_thompson": bare(linear_model(LinearThompsonLearner, thompson)),
        "ours_without_form": lambda seed: ours(encoder, setting, seed, form_weight=0.0),
        "ours": lambda seed: ours(encoder, setting, seed),
    }


def ours(
    encoder: Encoder,
    setting: NeighbourSetting,
    seed: int,
    form_weight: float | None = None,
    log: Sequence[Logged] = (),
) -> LearningRouter:
    """Return the product's router, with its floor of exploration."""
    features = QueryFeatures(encoder)
    if form_weight is not None:
        features = QueryFeatures(encoder, form_weight)
    learner = NeighbourLearner(features.dimensions, setting)
    router = LearningRouter(learner, features, choosing=OURS, seed=seed)
    router.warm_start(log)
    return router


def replay(router: RouterPort, requests: Requests, order: Sequence[int], seed: int) -> Floats:
    """Return nP@3 of each request in turn; the router learns the grades of its picks."""
    engines = range(len(requests.engines))
    found = np.empty(len(order))
    for turn, n in enumerate(order):
        key = f"{seed}/{turn}"
        picked = list(router.choose(key, requests.texts[n], engines, {}, {}))
        found[turn] = share_of_best(picked, requests.rewards[n])
        router.learn(key, {engine: float(requests.rewards[n, engine]) for engine in picked})
    return found


def measured(
    make: Maker, requests: Requests, pool: Sequence[int], seeds: Sequence[int]
) -> dict[str, object]:
    """Return the mean nP@3 over all turns and over the last 300, each seed in its own order."""
    runs = []
    for seed in seeds:
        order = np.random.default_rng([seed, len(pool)]).permutation(np.asarray(pool))
        runs.append(replay(make(seed), requests, order.tolist(), seed))
    every = np.array([np.nanmean(run) for run in runs])
    last = np.array([np.nanmean(run[-LAST:]) for run in runs])
    return {
        "all": round(float(every.mean()), 4),
        "last": round(float(last.mean()), 4),
        "all_interval": interval(every),
        "last_interval": interval(last),
        "requests": len(pool),
    }


def interval(values: Floats) -> list[float]:
    """Return the 95 % interval of the mean over seeds (normal)."""
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return [round(float(values.mean()) - half, 4), round(float(values.mean()) + half, 4)]


def graded(requests: Requests, pool: Sequence[int]) -> list[Logged]:
    """Return a log in which all engines were asked and graded."""
    return [
        Logged(requests.texts[n], dict(enumerate(map(float, requests.rewards[n])))) for n in pool
    ]


def best_of(results: Mapping[str, float]) -> str:
    """Return the name with the highest figure, the first of equals."""
    return max(results, key=lambda name: results[name])
