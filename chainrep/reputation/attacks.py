"""Attacks on a reputation, made on purpose: the graph as it is after them, and who did it.

Every attack is a function of the graph, its attackers and its size: with the same seed it is the
same attack. Attackers are accounts that honest ones trust already; unless said otherwise they drop
whom they trusted and spend all of it on accounts that they made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.graph import MAX_WEIGHT, Graph, Links, Rows, build_graph, make_links

WEIGHT = 1_000
MAX_SYBILS = 20_000_000
RUNG_LINKS = 64
"""A Sybil of a ladder trusts at most so many of the next rung."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """The graph after an attack, and the numbers in it of those who made it.

    ``sybils`` are accounts that the attackers made up. Every account of the graph before keeps its
    number.
    """

    graph: Graph
    attackers: Sequence[int]
    sybils: Sequence[int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who attacks, with how many Sybils each, and through how many entries together.

    ``rng`` draws whatever is left to chance.
    """

    attackers: Sequence[int]
    sybils: int
    rng: np.random.Generator
    entries: int = 1
    victims: Sequence[int] = ()


def parallel(graph: Graph, plan: Plan) -> Attacked:
    """Every attacker trusts each of its Sybils."""
    return _with_links(graph, _alone(plan), lambda owner, own: [(owner[0], s) for s in own])


def serial(graph: Graph, plan: Plan) -> Attacked:
    """Every attacker's Sybils form a chain that it begins."""
    return _with_links(graph, _alone(plan), lambda owner, own: list(pairwise([owner[0], *own])))


def cycle(graph: Graph, plan: Plan) -> Attacked:
    """The chain comes back to the attacker."""
    return _with_links(
        graph, _alone(plan), lambda owner, own: list(pairwise([owner[0], *own, owner[0]]))
    )


def mesh(graph: Graph, plan: Plan) -> Attacked:
    """Every attacker trusts all of its Sybils, and each of those up to 64 others."""

    def links(owner: Sequence[int], own: Sequence[int]) -> list[tuple[int, int]]:
        found = [(a, s) for a in owner for s in own]
        for i in range(len(own)):
            reach = min(RUNG_LINKS, len(own) - 1)
            found += [(own[i], own[(i + 1 + j) % len(own)]) for j in range(reach)]
        return found

    return _with_links(graph, plan, links)


def ladder(graph: Graph, plan: Plan) -> Attacked:
    """Groups of ``plan.entries`` attackers share rungs as wide as the group.

    Every account of a rung trusts all of the next: no single account is a bottleneck.
    """

    def links(owner: Sequence[int], own: Sequence[int]) -> list[tuple[int, int]]:
        rungs = [tuple(owner), *_groups(own, len(owner))]
        return [(a, b) for rung, after in pairwise(rungs) for a in rung for b in after]

    return _with_links(graph, plan, links)


def funnel(graph: Graph, plan: Plan) -> Attacked:
    """Groups of attackers trust one Sybil fewer than they are, and behind those hang the rest."""

    def links(owner: Sequence[int], own: Sequence[int]) -> list[tuple[int, int]]:
        gates = own[: max(1, len(owner) - 1)]
        behind = own[len(gates) :]
        return [(a, g) for a in owner for g in gates] + [(g, s) for g in gates for s in behind]

    return _with_links(graph, plan, links)


def widen(graph: Graph, plan: Plan) -> Attacked:
    """As `parallel`, and the attackers trust each other in a ring, with the least weight there is.

    Each is then reached in a second way, however little comes by it.
    """
    attacked = parallel(graph, plan)
    ring = attacked.attackers
    thin = [(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True) if a != b]
    links = _joined(_links_of(attacked.graph.out), _links(thin, 1))
    after = build_graph(attacked.graph.accounts, links, _links_of(graph.warned))
    return Attacked(after, ring, attacked.sybils)


def camouflage(graph: Graph, plan: Plan) -> Attacked:
    """As `parallel`, but attackers keep whom they trusted: half of the trust goes to Sybils."""

    def links(owner: Sequence[int], own: Sequence[int]) -> list[tuple[int, int]]:
        return [(owner[0], s) for s in own]

    return _with_links(graph, _alone(plan), links, keep=True)


def slander(graph: Graph, plan: Plan) -> Attacked:
    """Attackers and their Sybils warn of the victims, with all the weight there is."""
    attacked = parallel(graph, plan)
    pairs = [(a, v) for a in (*attacked.attackers, *attacked.sybils) for v in plan.victims]
    others = _links_of(attacked.graph.warned)
    others = _kept(others, ~np.isin(others.rater, attacked.attackers))
    warned = _joined(others, _links(pairs, MAX_WEIGHT))
    graph = build_graph(attacked.graph.accounts, _links_of(attacked.graph.out), warned)
    return Attacked(graph, attacked.attackers, attacked.sybils)


def whitewash(graph: Graph, plan: Plan) -> Attacked:
    """Every attacker moves to one new account and trusts it alone; warnings stay with the old."""
    return parallel(graph, Plan(plan.attackers, 1, plan.rng))


def bought_edges(graph: Graph, plan: Plan) -> Attacked:
    """``plan.entries`` honest accounts, drawn at random, sell each attacker their trust.

    They add it at a full rating's weight to whom they trusted; attackers keep their own.
    """
    honest = np.setdiff1d(np.flatnonzero(np.diff(graph.out.start)), plan.attackers)
    known = set(zip(*(c.tolist() for c in _pairs(graph.out)), strict=True))
    bought = [
        (int(seller), attacker)
        for attacker in plan.attackers
        for seller in plan.rng.choice(honest, min(plan.entries, len(honest)), replace=False)
        if (int(seller), attacker) not in known
    ]
    links = _joined(_links_of(graph.out), _links(bought, WEIGHT))
    after = build_graph(graph.accounts, links, _links_of(graph.warned))
    return Attacked(after, plan.attackers, ())


ATTACKS: Mapping[str, Callable[[Graph, Plan], Attacked]] = {
    "parallel": parallel,
    "serial": serial,
    "cycle": cycle,
    "mesh": mesh,
    "ladder": ladder,
    "funnel": funnel,
    "widen": widen,
    "camouflage": camouflage,
    "slander": slander,
    "whitewash": whitewash,
    "bought-edges": bought_edges,
}


def without_trust_of(graph: Graph, accounts: Sequence[int]) -> Graph:
    """The graph in which these accounts trust nobody."""
    links = _links_of(graph.out)
    kept = ~np.isin(links.rater, np.asarray(accounts))
    return build_graph(graph.accounts, _kept(links, kept), _links_of(graph.warned))


def _alone(plan: Plan) -> Plan:
    return replace(plan, entries=1)


def _with_links(
    graph: Graph,
    plan: Plan,
    links: Callable[[Sequence[int], Sequence[int]], list[tuple[int, int]]],
    keep: bool = False,
) -> Attacked:
    """Add Sybils, and the links among each group of attackers and what belongs to it."""
    attackers = sorted(set(plan.attackers))
    if not attackers or attackers[0] < 0 or attackers[-1] >= graph.size:
        raise InputError("An attack needs attackers, and they must be in the graph.")
    if not 0 < plan.sybils * len(attackers) <= MAX_SYBILS:
        raise InputError(f"An attack makes 1 to {MAX_SYBILS:,} Sybils.")
    if plan.entries < 1:
        raise InputError("An attack has at least one entry.")
    count = plan.sybils * len(attackers)
    # Names beyond the last one there is: nobody's number changes.
    prefix = "~" if graph.accounts[-1] < "~" else graph.accounts[-1] + "~"
    accounts = [*graph.accounts, *(f"{prefix}sybil{i:08d}" for i in range(count))]
    new = list(range(graph.size, graph.size + count))
    pairs: list[tuple[int, int]] = []
    shuffled = [int(a) for a in plan.rng.permutation(attackers)]
    at = 0
    for owner in _groups(shuffled, plan.entries):
        size = plan.sybils * len(owner)
        pairs += links(owner, new[at : at + size])
        at += size
    old = _links_of(graph.out)
    if not keep:
        old = _kept(old, ~np.isin(old.rater, attackers))
    added = _balanced(pairs, graph) if keep else _links(pairs, WEIGHT)
    after = build_graph(accounts, _joined(old, added), _links_of(graph.warned))
    return Attacked(after, attackers, new)


def _groups(accounts: Sequence[int], size: int) -> Sequence[Sequence[int]]:
    return [accounts[i : i + size] for i in range(0, len(accounts), size)]


def _balanced(pairs: Sequence[tuple[int, int]], graph: Graph) -> Links:
    """Links that together weigh as much as whom their raters trusted before."""
    owners = np.array([a for a, _ in pairs])
    count = np.bincount(owners, minlength=graph.size)
    weight = np.clip(graph.out.total[owners] // count[owners], 1, MAX_WEIGHT)
    return make_links(owners, np.array([s for _, s in pairs]), weight)


def _links(pairs: Sequence[tuple[int, int]], weight: int) -> Links:
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return make_links(table[:, 0], table[:, 1], np.full(len(table), weight))


def _pairs(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start)), rows.node


def _links_of(rows: Rows) -> Links:
    rater, ratee = _pairs(rows)
    return Links(rater.astype(np.int32), ratee, rows.weight)


def _kept(links: Links, mask: NDArray[np.bool_]) -> Links:
    return Links(links.rater[mask], links.ratee[mask], links.weight[mask])


def _joined(a: Links, b: Links) -> Links:
    return Links(
        np.concatenate([a.rater, b.rater]),
        np.concatenate([a.ratee, b.ratee]),
        np.concatenate([a.weight, b.weight]),
    )
