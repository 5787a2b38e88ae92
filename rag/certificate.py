"""How many liars an answer would have survived, whatever they had said."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from rag.answering import Group, Verdict, owner_of, voting_weights

_SLACK = 1e-9


def certified(
    verdict: Verdict, weights: Mapping[int, float], owners: Mapping[int, Hashable] | None = None
) -> int:
    """Return how many sources could all be wrong in any way, and the answer would stand.

    ``weights`` are those of all sources that were asked, the silent ones too, for a liar may speak
    where it was silent. With ``owners`` the number is one of owners, each with all its sources.
    The answer stands when an uncorrupted answer of the winning group is in the group that wins
    then; a tie counts as lost. This bounds what liars *change*: it does not say that the answer
    was right. In the manner of RobustRAG's certificates (Xiang et al., 2024), for a weighted vote.

    A liar takes its weight from the winner and gives all it may have to one rival, or to an answer
    that nobody gave. Liars' weights are what they are before their answers are known.
    """
    if not verdict.groups:
        return 0
    winner, *rivals = verdict.groups
    answered = sorted({source for group in verdict.groups for source in group.sources})
    voting = voting_weights(answered, weights, owners)
    most = _most(answered, weights, owners)
    survived = _until_none_weighs(answered, weights, owners, len(most))
    for rival in (Group("", frozenset(), 0.0), *rivals):
        lost = _by_owner(winner, voting, owners)
        had = _by_owner(rival, voting, owners)
        gains = [m + lost.get(o, 0.0) - had.get(o, 0.0) for o, m in most.items()]
        survived = min(survived, _borne(sorted(gains, reverse=True), winner.weight - rival.weight))
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
