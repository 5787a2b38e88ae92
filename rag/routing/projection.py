"""Fewer dimensions for learners whose cost grows with their square."""

from __future__ import annotations

import numpy as np

from rag.routing.estimate import Floats

DIMENSIONS = 48


def random_projection(width: int, dimensions: int = DIMENSIONS, seed: int = 0) -> Floats:
    """Return a Gaussian projection (width, dimensions) that keeps lengths on average."""
    draw = np.random.default_rng([seed, width, dimensions])
    return np.asarray(draw.standard_normal((width, dimensions)) / np.sqrt(dimensions))


def fitted_projection(questions: Floats, dimensions: int = DIMENSIONS) -> Floats:
    """Return the principal axes (width, dimensions) of warm-start questions (n, width).

    Axes that the questions do not span are zero: they say nothing.
    """
    _, _, axes = np.linalg.svd(questions - questions.mean(axis=0), full_matrices=False)
    found = np.zeros((questions.shape[1], dimensions))
    found[:, : min(dimensions, len(axes))] = axes[:dimensions].T
    return found
