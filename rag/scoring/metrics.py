"""Answers against gold, and scores against the truth: the figures everything is reported in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rag.text import normalised


def exact_match(answer: str, gold: Sequence[str]) -> bool:
    """Tell whether the answer equals a gold answer after SQuAD's normalisation."""
    found = normalised(answer)
    return bool(found) and any(found == normalised(g) for g in gold)


def f1(answer: str, gold: Sequence[str]) -> float:
    """Return the best token F1, 0..1, with a gold answer (SQuAD's second metric)."""
    return max((_f1(normalised(answer).split(), normalised(g).split()) for g in gold), default=0.0)


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Return Spearman's rank correlation, -1..1; equal values share the average of their ranks.

    It is Pearson's correlation of the ranks, and 0 when all values of one side are equal.
    Raises ValueError when the lengths differ.
    """
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} values cannot be paired")
    if len(set(x)) < 2 or len(set(y)) < 2:
        return 0.0
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Return how often a good one's score is above a bad one's, 0..1; equal scores count half.

    This is the area under the ROC curve. Raises ValueError when one side is empty.
    """
    if not good or not bad:
        raise ValueError("an area under the curve needs good ones and bad ones")
    return sum((g > b) + (g == b) / 2 for g in good for b in bad) / (len(good) * len(bad))


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {v: i for i, v in reversed(list(enumerate(ordered)))}
    counts = Counter(ordered)
    return [first[v] + (counts[v] - 1) / 2 for v in values]


def _f1(found: list[str], gold: list[str]) -> float:
    shared = (Counter(found) & Counter(gold)).total()
    return 2.0 * shared / (len(found) + len(gold)) if shared else 0.0
