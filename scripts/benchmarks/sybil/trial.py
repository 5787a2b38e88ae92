"""One system on one graph from one seed set: attacked in every way, and what the honest pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrep.reputation.attacks import ATTACKS, Plan, without_trust_of
from chainrep.reputation.graph import Graph
from scripts.benchmarks.sybil.measures import gains, overlap, top
from scripts.benchmarks.sybil.onslaught import onslaught
from scripts.benchmarks.sybil.systems import Ranked

System = Callable[[Graph, Sequence[int]], Ranked]

ATTACKERS = 50
SHARES = (0.1, 0.5)
ONE_ENTRY = ("parallel", "serial", "cycle", "mesh")
LADDERS = (2, 3, 4, 5)
MOST_MESHED = 1_000
"""A Sybil of a mesh has up to 64 edges: with more of them the graph would be all Sybils."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a trial takes place. ``sizes`` are the numbers of Sybils per attacker."""

    graph: Graph
    seeds: Sequence[int]
    attackers: Sequence[int]
    sizes: Sequence[int]
    draw: int


def choose_attackers(
    graph: Graph, seeds: Sequence[int], scores: np.ndarray, draw: int
) -> list[int]:
    """50 accounts that PageRank reaches and three or more others rated, none of them a seed."""
    able = np.flatnonzero((scores > 0) & (np.diff(graph.into.start) >= 3))
    return _drawn(np.setdiff1d(able, seeds), draw)


def choose_capped(flagged: np.ndarray, draw: int) -> list[int]:
    """Up to 50 of the accounts that a cap marks down while nobody attacks."""
    return _drawn(np.flatnonzero(flagged), draw)


def _drawn(able: np.ndarray, draw: int) -> list[int]:
    rng = np.random.default_rng(draw)
    return sorted(int(a) for a in rng.choice(able, min(ATTACKERS, len(able)), replace=False))


def attack_gains(system: System, field: Field) -> Iterator[dict[str, Any]]:
    """Own and total gain of each attack at each size, all 50 attackers at once."""
    quiet = system(without_trust_of(field.graph, field.attackers), field.seeds).scores
    if not quiet[field.attackers].any():
        return  # a gain over nothing has no number
    kinds = [(name, 1) for name in ONE_ENTRY] + [("ladder", g) for g in LADDERS] + [("widen", 2)]
    for name, entries in kinds:
        for size in field.sizes:
            if name == "mesh" and size > MOST_MESHED:
                continue
            plan = Plan(field.attackers, size, np.random.default_rng(field.draw), entries)
            attacked = ATTACKS[name](field.graph, plan)
            ranked = system(attacked.graph, field.seeds)
            yield {
                "attack": name,
                "entries": entries,
                "sybils_per_attacker": size,
                **gains(quiet, ranked.scores, attacked),
            }


def shares_of_top(system: System, field: Field) -> dict[str, Any]:
    """Of the 100 highest places, and of all score there, how much is Sybils' (seeds left out)."""
    found = {}
    for share in SHARES:
        rng = np.random.default_rng(field.draw)
        attacked = onslaught(field.graph, field.seeds, share, rng)
        scores = system(attacked.graph, field.seeds).scores.astype(float)
        best = np.array(top(scores, field.seeds))
        fake = np.isin(best, np.asarray(attacked.sybils))
        others = np.ones(len(scores), bool)
        others[list(field.seeds)] = False
        found[f"{share:.0%}".rstrip("%")] = {
            "places": round(float(fake.mean()), 4),
            "score_of_top100": round(float(scores[best][fake].sum() / scores[best].sum()), 4),
            "score_of_all": round(float(scores[attacked.sybils].sum() / scores[others].sum()), 4),
        }
    return found


def cost_to_honest(ranked: Ranked, known: Ranked, seeds: Sequence[int]) -> dict[str, float]:
    """Nobody attacks: who is marked down all the same, and how the best 100 change places.

    Places are compared with those of the same system before its discounts, and with those that
    plain PageRank gives (``known``).
    """
    reached = ranked.plain > 0
    reached[list(seeds)] = False
    best = top(ranked.scores, seeds)
    return {
        "honest_flagged": round(float(ranked.flagged[reached].mean()), 4),
        "rbo_at_100": round(overlap(best, top(ranked.plain, seeds)), 4),
        "rbo_at_100_to_pagerank": round(overlap(best, top(known.scores, seeds)), 4),
    }
