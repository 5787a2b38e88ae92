"""With every engine graded for the past: how well is the next request's order known?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rag.routing.neighbours import NeighbourLearner, NeighbourSetting
from scripts.benchmarks.rag.bootstrap import Bootstrap
from scripts.benchmarks.routing.feb4rag import Floats, ndcg

FOLDS = 5
RIDGE = 1.0
Predictor = Callable[[Floats, Floats, Floats], Floats]


def random(past: Floats, rewards: Floats, asked: Floats) -> Floats:
    """Any order."""
    return np.random.default_rng(len(past)).random((len(asked), rewards.shape[1]))


def popularity(_past: Floats, rewards: Floats, asked: Floats) -> Floats:
    """The best on average."""
    return np.tile(rewards.mean(axis=0), (len(asked), 1))


def ridge(past: Floats, rewards: Floats, asked: Floats) -> Floats:
    """Linear in MiniLM's vector."""
    mean = rewards.mean(axis=0)
    a = past.T @ past + RIDGE * np.eye(past.shape[1])
    return np.asarray(asked @ np.linalg.solve(a, past.T @ (rewards - mean)) + mean)


def nearest(past: Floats, rewards: Floats, asked: Floats) -> Floats:
    """The mean of the 20 nearest."""
    order = np.argsort(-(asked @ past.T), axis=1)[:, :20]
    return np.asarray(rewards[order].mean(axis=1))


def learner(setting: NeighbourSetting) -> Predictor:
    """Return the product's learner, warm-started with the past."""

    def predict(past: Floats, rewards: Floats, asked: Floats) -> Floats:
        model = NeighbourLearner(past.shape[1], setting)
        for features, row in zip(past, rewards, strict=True):
            model.learn(features, dict(enumerate(row.tolist())))
        engines, draw = range(rewards.shape[1]), np.random.default_rng(0)
        return np.stack([model.estimate(features, engines, draw).mean for features in asked])

    return predict


def cross_validated(
    predict: Predictor, features: Floats, rewards: Floats, seed: int
) -> dict[str, Floats]:
    """Return nDCG@1 and @3 per request, each predicted from the other four fifths."""
    order = np.random.default_rng([seed, FOLDS]).permutation(len(features))
    scores = np.empty_like(rewards)
    for fold in np.array_split(order, FOLDS):
        past = np.setdiff1d(order, fold)
        scores[fold] = predict(features[past], rewards[past], features[fold])
    return {f"ndcg{k}": ndcg(scores, rewards, k) for k in (1, 3)}


def measured(
    predictors: Mapping[str, tuple[Predictor, Floats]], rewards: Floats, seeds: int
) -> dict[str, dict[str, object]]:
    """Return the means over requests and seeds' folds, with intervals over requests."""
    found: dict[str, dict[str, object]] = {}
    for name, (predict, features) in predictors.items():
        runs = [cross_validated(predict, features, rewards, seed) for seed in range(seeds)]
        found[name] = {}
        for key in runs[0]:
            marks = np.mean([run[key] for run in runs], axis=0)
            marks = marks[~np.isnan(marks)]
            found[name][key] = round(float(marks.mean()), 4)
            found[name][f"{key}_interval"] = Bootstrap(len(marks)).mean(marks)
    return found
