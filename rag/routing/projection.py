"""Fewer dimensions for learners whose cost grows with their square."""

from __future__ import annotations

import numpy as np

from rag.state.arrays import Floats

DIMENSIONS = 48


def random_projection(width: int, dimensions: int = DIMENSIONS, seed: int = 0) -> Floats:
    """Return a Gaussian projection (width, dimensions) that keeps lengths on average."""
    draw = np.random.default_rng([seed, width, dimensions])
    return np.asarray(draw.standard_normal((width, dimensions)) / np.sqrt(dimensions))
