"""Several sources of one owner share one vote: splitting a source in ten gains nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def capped(
    weights: Mapping[int, float], owners: Mapping[int, Hashable], answers: Mapping[int, str]
) -> dict[int, float]:
    """Return the weights such that no owner's votes together weigh more than its heaviest one.

    Only who answered counts, and the votes of one owner keep their proportions. A source that
    ``owners`` does not name is its own owner; weights of 0 and below stay as they are.
    """
    owner_of = {source: owners.get(source, ("source", source)) for source in answers}
    heaviest: dict[Hashable, float] = {}
    whole: dict[Hashable, float] = {}
    for source, owner in owner_of.items():
        weight = max(weights.get(source, 0.0), 0.0)
        heaviest[owner] = max(heaviest.get(owner, 0.0), weight)
        whole[owner] = whole.get(owner, 0.0) + weight
    return {
        source: weight * heaviest[owner_of[source]] / whole[owner_of[source]]
        if weight > 0.0 and source in owner_of
        else weight
        for source, weight in weights.items()
    }
