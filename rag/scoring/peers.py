"""What sources say of one another: agreement with the vote of the others.

Attackers control it as soon as they are many, so an ``EvidenceBook`` limits it by gold evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def agreements(
    answers: Mapping[int, str],
    weights: Mapping[int, float],
    apart: Callable[[int, int], float] = lambda _a, _b: 1.0,
) -> dict[int, tuple[float, float]]:
    """Return (supported, contradicted) of each voter: does it say what the others elect?

    A voter's own vote never supports itself, nor, as far as ``apart`` (0..1) says that they are
    not independent, do its copies. The amount is how far the others' winner leads: 0 when it is a
    tie, 1 when they are unanimous. Where all voters agree there is nothing to learn from it.
    """
    if len(set(answers.values())) < 2:
        return {}
    heard = [(v, a, w) for v, a in answers.items() if (w := weights.get(v, 0.0)) > 0.0]
    found = {}
    for voter, answer in answers.items():
        totals: dict[str, float] = {}
        for other, theirs, weight in heard:
            if other != voter:
                totals[theirs] = totals.get(theirs, 0.0) + weight * apart(voter, other)
        whole = sum(totals.values())
        if not whole:
            continue
        winner = max(totals, key=lambda a: (totals[a], a))
        runner_up = max((t for a, t in totals.items() if a != winner), default=0.0)
        lead = (totals[winner] - runner_up) / whole
        found[voter] = (lead, 0.0) if answer == winner else (0.0, lead)
    return found
