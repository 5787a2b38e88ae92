"""Whom one search asks: nobody is asked more often by registering many sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rag.source.remote_source import RemoteSource
from rag.types import Silence


def invite(
    sources: Sequence[RemoteSource], per_owner: int
) -> tuple[frozenset[int], tuple[Silence, ...]]:
    """The ids of the first ``per_owner`` of each owner, and the others, silent with the reason.

    Not so for hosts: whoever names somebody else's host would keep that one from being asked.
    """
    owners: Counter[str] = Counter()
    invited, left_out = set(), []
    for source in sources:
        owners[source.owner] += 1
        if owners[source.owner] <= per_owner:
            invited.add(source.id)
        else:
            reason = f"was not asked, as {per_owner} others of its owner were"
            left_out.append(Silence(source.id, reason))
    return frozenset(invited), tuple(left_out)
