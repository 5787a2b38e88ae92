"""Routers by name, as a command line offers them."""

from __future__ import annotations

from pathlib import Path

from rag.ports import Encoder, Router
from rag.routing.best_known import BestKnownRouter
from rag.routing.estimate import Learner
from rag.routing.features import QueryFeatures
from rag.routing.learning_router import Choosing, LearningRouter
from rag.routing.linucb import LinUcbLearner
from rag.routing.neighbours import NeighbourLearner
from rag.routing.projection import random_projection
from rag.routing.thompson import BetaThompsonLearner, LinearThompsonLearner
from rag.routing.uniform import UniformRouter

BEST_KNOWN = "best-known"
UNIFORM = "uniform"
LEARNERS = (
    NeighbourLearner.name,
    LinUcbLearner.name,
    LinearThompsonLearner.name,
    BetaThompsonLearner.name,
)
ROUTERS = (BEST_KNOWN, *LEARNERS, UNIFORM)


def router_named(name: str, encoder: Encoder, limit: int, folder: Path) -> Router:
    """Return the router; one that learns goes on where its file in ``folder`` ends."""
    if name == BEST_KNOWN:
        return BestKnownRouter(limit=limit)
    if name == UNIFORM:
        return UniformRouter(limit)
    features = QueryFeatures(encoder)
    return LearningRouter(
        _learner(name, features.dimensions),
        features,
        choosing=Choosing(limit=limit, least=min(Choosing().least, limit)),
        path=folder / f"router-{name}",
    )


def _learner(name: str, dimensions: int) -> Learner:
    if name == NeighbourLearner.name:
        return NeighbourLearner(dimensions)
    if name == LinUcbLearner.name:
        return LinUcbLearner(random_projection(dimensions))
    if name == LinearThompsonLearner.name:
        return LinearThompsonLearner(random_projection(dimensions))
    return BetaThompsonLearner()
