"""Answers against gold: what an answer is worth, and what each source is credited with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rag.text import normalised
from rag.types import Answer, Judgement

RIGHT_F1 = 0.6
"""From this token F1 on an answer counts as right; choice explained in ``is_right``."""


def exact_match(answer: str, gold: Sequence[str]) -> bool:
    """Tell whether the answer equals a gold answer after SQuAD's normalisation."""
    found = normalised(answer)
    return bool(found) and any(found == normalised(g) for g in gold)


def f1(answer: str, gold: Sequence[str]) -> float:
    """Return the best token F1, 0..1, with a gold answer (SQuAD's second metric)."""
    return max((_f1(normalised(answer).split(), normalised(g).split()) for g in gold), default=0.0)


def is_right(answer: str, gold: Sequence[str]) -> bool:
    """Tell whether an answer supports its source: exact, or token F1 of at least ``RIGHT_F1``.

    A reader that cuts a span one word too long or too short must not be held against the
    source.
    """
    return exact_match(answer, gold) or f1(answer, gold) >= RIGHT_F1


def judge(answer: Answer, gold: Sequence[str]) -> list[Judgement]:
    """Return one judgement per source that was asked, in ascending order of ids.

    Every source gets ``asked``, those in the winning cluster ``used``. Right answers are
    supported and wrong ones contradicted only when at least one source was right: otherwise the
    reader failed, which would be held against honest sources most, and estimates of a source's
    reliability can turn upside down. A silent source is neither.
    """
    right = {vote.source: is_right(vote.text, gold) for vote in answer.votes}
    decidable = any(right.values())
    used = set(answer.sources)
    asked = sorted([*right, *(silence.source for silence in answer.silent)])
    return [
        Judgement(
            key=f"{answer.key}/{source}",
            source=source,
            kind="gold",
            question=answer.question,
            supported=float(decidable and right.get(source, False)),
            contradicted=float(decidable and not right.get(source, True)),
            used=float(source in used),
            asked=1.0,
        )
        for source in asked
    ]


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


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {v: i for i, v in reversed(list(enumerate(ordered)))}
    counts = Counter(ordered)
    return [first[v] + (counts[v] - 1) / 2 for v in values]


def _f1(found: list[str], gold: list[str]) -> float:
    shared = (Counter(found) & Counter(gold)).total()
    return 2.0 * shared / (len(found) + len(gold)) if shared else 0.0
