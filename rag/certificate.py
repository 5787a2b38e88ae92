"""How many liars an answer would have survived, whatever they had said."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from rag.answering import Group, Verdict, owner_of, voting_weights

_SLACK = 1e-9
_NOBODY = Group("", frozenset(), 0.0)


def certified(
    verdict: Verdict, weights: Mapping[int, float], owners: Mapping[int, Hashable] | None = None
) -> int:
    """Return how many sources could all be wrong in any way, and the same text would be shown.

    ``weights`` are those of all sources that were asked, the silent ones too, for a liar may speak
    where it was silent. With ``owners`` the number is one of owners, each with all its sources.
    The same text is one that differs in case, punctuation and articles at most; a tie counts as
    lost. This bounds what liars *change*: it does not say that the answer was right. In the manner
    of RobustRAG's certificates (Xiang et al., 2024), for a weighted vote.

    The text stays as long as its group outweighs every group without it, and its own speakers
    every other wording. A liar takes its weight from the one and gives all it may have to the
    other, or to an answer that nobody gave. Weights are what they are before answers are known.
    """
    if not verdict.groups:
        return 0
    winner, speakers = verdict.groups[0], verdict.wordings[0]
    duels = [(winner, rival) for rival in (_NOBODY, *verdict.without)]
    duels += [(speakers, rival) for rival in (_NOBODY, *verdict.wordings[1:])]
    answered = sorted({source for group in verdict.groups for source in group.sources})
    voting = voting_weights(answered, weights, owners)
    most = _most(answered, weights, owners)
    survived = _until_none_weighs(answered, weights, owners, len(most))
    for holder, rival in duels:
        lost = _by_owner(holder, voting, owners)
        had = _by_owner(rival, voting, owners)
        gains = [m + lost.get(o, 0.0) - had.get(o, 0.0) for o, m in most.items()]
        survived = min(survived, _borne(sorted(gains, reverse=True), holder.weight - rival.weight))
    return survived


def _most(
    answered: list[int], weights: Mapping[int, float], owners: Mapping[int, Hashable] | None
) -> dict[Hashable, float]:
    """Return the most weight that every owner could bring to one answer."""
    equal = not any(weights.get(source, 0.0) > 0.0 for source in answered)
    found: dict[Hashable, float] = {}
    for source in sorted({*answered, *weights}):
        weight = max(weights.get(source, 0.0), 0.0)
        if equal:
            # All that answered count 1, but one that has weight would count alone if it spoke.
            weight = math.inf if weight else 1.0
        owner = owner_of(source, owners)
        found[owner] = max(found.get(owner, 0.0), weight)
    return found


def _until_none_weighs(
    answered: list[int],
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None,
    most: int,
) -> int:
    """Bound the liars by those without whom nobody has weight: then all would count the same."""
    heavy = {owner_of(s, owners) for s in answered if weights.get(s, 0.0) > 0.0}
    # Who was silent, or beaten by a model's own word, may speak where nobody with weight does.
    light = {owner_of(s, owners) for s in {*answered, *weights}} - heavy
    return len(heavy) - 1 if heavy and light else most


def _by_owner(
    group: Group, voting: Mapping[int, float], owners: Mapping[int, Hashable] | None
) -> dict[Hashable, float]:
    found: dict[Hashable, float] = {}
    for source in sorted(group.sources):
        owner = owner_of(source, owners)
        found[owner] = found.get(owner, 0.0) + voting[source]
    return found


def _borne(gains: list[float], gap: float) -> int:
    """Return how many of the largest gains stay below the gap together."""
    count = 0
    while count < len(gains) and math.fsum(gains[: count + 1]) < gap - _SLACK * max(gap, 1.0):
        count += 1
    return count
