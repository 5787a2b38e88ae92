"""How many liars an answer would have survived, whatever they had said."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping

from rag.answering import Group, Verdict, owner_of

_SLACK = 1e-9
_NOBODY = Group("", frozenset(), 0.0)


def certified(
    verdict: Verdict,
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None = None,
    *,
    least: Mapping[int, float] | None = None,
    book: tuple[float, float] | None = None,
) -> int:
    """Return how many sources could all be wrong in any way, and the same text would be shown.

    ``weights`` are those of all sources that were asked, the silent ones too, for a liar may speak
    where it was silent. With ``owners`` the number is one of owners, each with all its sources.
    Where weights depend on what others say, as where copies are discounted, they are the most that
    each may have, and ``least`` is the least; ``book`` is both of the closed-book voter.
    The same text is one that differs in case, punctuation and articles at most; a tie counts as
    lost. This bounds what liars *change*: it does not say that the answer was right. In the manner
    of RobustRAG's certificates (Xiang et al., 2024), for a weighted vote.

    The text stays as long as its group outweighs every group without it, and its own speakers
    every other wording. A liar takes its weight from the one and gives all it may have to the
    other, or to an answer that nobody gave. The honest behind the text count their least, others
    their most: a liar who joins an answer can lower the weight of who gave it.
    """
    if not verdict.groups:
        return 0
    spoken = math.fsum(wording.closed_book for wording in verdict.wordings)
    low, high = book or (spoken, spoken)
    winner, speakers = verdict.groups[0], verdict.wordings[0]
    duels = [(winner, rival) for rival in (_NOBODY, *verdict.without)]
    duels += [(speakers, rival) for rival in (_NOBODY, *verdict.wordings[1:])]
    answered = sorted({source for group in verdict.groups for source in group.sources})
    equal = not high > 0.0 and not any(weights.get(source, 0.0) > 0.0 for source in answered)
    ones = dict.fromkeys(answered, 1.0)
    most = _most(answered, weights, owners, equal)
    survived = len(most)
    # A voter that weighs something by the weights' own rule keeps the others from counting by odds.
    if book is None or not low > 0.0:
        survived = _until_none_weighs(answered, weights, owners, survived)
    count = {o: len(s) for o, s in _by_owner(answered, owners).items()}
    for holder, rival in duels:
        lost = _at_least(holder, ones if equal else least or weights, owners, count)
        had = _at_most(rival, ones if equal else weights, owners, most)
        held = math.fsum([*lost.values(), low if holder.closed_book > 0.0 else 0.0])
        against = math.fsum([*had.values(), high if rival.closed_book > 0.0 else 0.0])
        gains = [m + lost.get(o, 0.0) - had.get(o, 0.0) for o, m in most.items()]
        survived = min(survived, _borne(sorted(gains, reverse=True), held - against))
    return survived


def _most(
    answered: list[int],
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None,
    equal: bool,
) -> dict[Hashable, float]:
    """Return the most weight that every owner could bring to one answer."""
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
    """Bound the liars by those without whom nobody has weight: then others count as well."""
    weighing = {s for s in answered if weights.get(s, 0.0) > 0.0}
    heavy = {owner_of(s, owners) for s in weighing}
    # Who was silent, or beaten by a model's own word, may speak where nobody with weight does.
    return len(heavy) - 1 if heavy and {*answered, *weights} - weighing else most


def _at_least(
    group: Group,
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None,
    count: Mapping[Hashable, int],
) -> dict[Hashable, float]:
    """Return what every owner, of so many answers, gives a group at the least.

    It votes with the weight of its heaviest source, which is at least the mean of all.
    """
    found = {}
    for owner, sources in _by_owner(group.sources, owners).items():
        own = [max(weights.get(source, 0.0), 0.0) for source in sources]
        found[owner] = max(own) if len(own) == count[owner] else math.fsum(own) / count[owner]
    return found


def _at_most(
    group: Group,
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None,
    most: Mapping[Hashable, float],
) -> dict[Hashable, float]:
    return {
        owner: min(math.fsum(max(weights.get(s, 0.0), 0.0) for s in sources), most[owner])
        for owner, sources in _by_owner(group.sources, owners).items()
    }


def _by_owner(
    sources: Iterable[int], owners: Mapping[int, Hashable] | None
) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for source in sorted(sources):
        found.setdefault(owner_of(source, owners), []).append(source)
    return found


def _borne(gains: list[float], gap: float) -> int:
    """Return how many of the largest gains stay below the gap together."""
    count = 0
    while count < len(gains) and math.fsum(gains[: count + 1]) < gap - _SLACK * max(gap, 1.0):
        count += 1
    return count
