"""Chance that can be repeated, and the share of all slots that is left to it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

NEWCOMERS = 8
"""One slot of so many is for sources that nobody knows."""


def lots(seed: int, key: str) -> np.random.Generator:
    """Return the generator of one choice: the same seed and key draw the same."""
    return np.random.default_rng([seed, int.from_bytes(digest_of(key))])


def digest_of(key: str) -> bytes:
    """Return 16 bytes that stand for a key of any length."""
    return blake2b(key.encode("utf-8", "backslashreplace"), digest_size=16).digest()


def room_for_newcomers(limit: int, draw: np.random.Generator) -> int:
    """Return how many of ``limit`` ≥ 1 slots newcomers get: an eighth, of several at least one.

    A single slot is theirs with chance 1/8.
    """
    return max(limit // NEWCOMERS, 1) if limit > 1 else int(draw.integers(NEWCOMERS) == 0)


def explored(
    picked: Sequence[int], sources: Sequence[int], share: float, draw: np.random.Generator
) -> list[int]:
    """Return the picks with each slot given away with chance ``share``, the last ones first.

    Who gets it is drawn evenly from ``sources`` without the picks; nobody is asked twice.
    """
    others = [s for s in sources if s not in set(picked)]
    slots = min(int(draw.binomial(len(picked), share)), len(others))
    if not slots:
        return list(picked)
    drawn = draw.choice(len(others), size=slots, replace=False)
    return [*picked[: len(picked) - slots], *(others[int(n)] for n in drawn)]
