"""One answer out of many: equal answers are clustered, and the clusters are voted on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.text import normalised
from rag.types import SourceAnswer

_TIE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winning cluster: its text, the sources in it, and its share 0..1 of all weight."""

    text: str
    sources: frozenset[int]
    share: float


NO_VERDICT = Verdict("", frozenset(), 0.0)


def vote(answers: Sequence[SourceAnswer], weights: Mapping[int, float]) -> Verdict:
    """Return the cluster of equal normalised answers that has the most weight.

    Equal weights make this the majority; when no weight is above 0 all count the same. A tie
    goes to the cluster whose readers were more confident in sum, then to the alphabetically
    first: neither ids nor the order of the sources decide anything.
    """
    if not answers:
        return NO_VERDICT
    raw = {a.source: max(weights.get(a.source, 0.0), 0.0) for a in answers}
    total = math.fsum(raw.values())
    shares = {s: w / total if total else 1.0 / len(raw) for s, w in raw.items()}
    clusters: dict[str, list[SourceAnswer]] = {}
    for answer in answers:
        clusters.setdefault(cluster_key(answer.span.text), []).append(answer)

    def rank(key: str) -> tuple[float, float, str]:
        share = math.fsum(shares[a.source] for a in clusters[key])
        confidence = math.fsum(a.span.confidence for a in clusters[key])
        # Rounded, so that the last bit of a sum never decides between equals.
        return -round(share, _TIE_DIGITS), -round(confidence, _TIE_DIGITS), key

    best = min(clusters, key=rank)
    members = clusters[best]
    spokesman = min(members, key=lambda a: (-a.span.confidence, a.span.text))
    return Verdict(
        spokesman.span.text,
        frozenset(a.source for a in members),
        math.fsum(shares[a.source] for a in members),
    )


def cluster_key(answer: str) -> str:
    """Return what equal answers have in common; an answer of articles alone is its own."""
    return normalised(answer) or answer.lower().strip()
