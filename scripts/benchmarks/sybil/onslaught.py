"""A tenth, or half, of all accounts attack at once, with every kind of attack mixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrep.reputation.attacks import ATTACKS, Attacked, Plan
from chainrep.reputation.graph import Graph

KINDS = ("parallel", "serial", "cycle", "ladder", "camouflage")
SYBILS = 10
ENTRIES = 3


def onslaught(
    graph: Graph, seeds: Sequence[int], share: float, rng: np.random.Generator
) -> Attacked:
    """This share of the accounts, drawn at random from all but the seeds, in five equal parts."""
    others = np.setdiff1d(np.arange(graph.size), seeds)
    drawn = rng.choice(others, round(share * len(others)), replace=False)
    sybils: list[int] = []
    for kind, part in zip(KINDS, np.array_split(drawn, len(KINDS)), strict=True):
        plan = Plan([int(a) for a in part], SYBILS, rng, ENTRIES if kind == "ladder" else 1)
        attacked = ATTACKS[kind](graph, plan)
        graph = attacked.graph
        sybils += attacked.sybils
    return Attacked(graph, sorted(int(a) for a in drawn), sybils)
