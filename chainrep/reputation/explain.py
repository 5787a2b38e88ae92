"""Why an account has its score: by which paths trust came, who vouches most, what took from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import steps_of
from chainrep.reputation.public_score import Reputation, find_accounts
from chainrep.reputation.strongest_paths import strongest_paths
from chainrep.reputation.units import UNIT, WHOLE

SHARE_BITS = 14


@dataclass(frozen=True, slots=True)
class ExplainedPath:
    """One way of trust, the seed first; ``worth`` is what it brings, in 2^-50 of all trust."""

    accounts: Sequence[str]
    worth: int


@dataclass(frozen=True, slots=True)
class Voice:
    """A neighbour that vouches or warns, the edge's weight, and what that brings or takes."""

    account: str
    weight: int
    worth: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """All worths are in units of 2^-50 of all trust.

    ``flowed`` is what trust brought, ``cut`` what was taken of it because all of it came through
    the few accounts in ``bottleneck``, and ``warned`` what warnings took of the rest; ``score`` is
    what is left. ``rank`` counts from 1 among the accounts with a score, 0 without one.
    ``complete`` is false where more paths could not be searched.
    """

    account: str
    score: int
    rank: int
    ranked: int
    seed: bool
    flowed: int
    cut: int
    bottleneck: Sequence[str]
    warned: int
    paths: Sequence[ExplainedPath]
    complete: bool
    vouchers: Sequence[Voice]
    voucher_count: int
    warners: Sequence[Voice]


def explain(reputation: Reputation, account: str, count: int = 5) -> Explanation:
    """Explain one account's score by up to ``count`` paths, vouchers and warnings.

    Raises InputError for an account that is not in the graph.
    """
    graph, formula, scores = reputation.graph, reputation.formula, reputation.scores
    v = graph.find(account)
    if v is None:
        raise InputError(
            f"{account[:80]!r} is not in the graph.",
            "Check the spelling, and that it rated or was rated in time.",
        )
    seeds = find_accounts(graph, formula.seeds)
    found = strongest_paths(graph, seeds, v, formula.stop, count)
    paths = [
        ExplainedPath(
            [graph.accounts[u] for u in path.nodes],
            int(path.share * UNIT * _kept(graph, len(path.nodes) - 1, formula.stop)),
        )
        for path in found.paths
    ]
    vouchers = _vouchers(reputation, v)
    warners = _warners(reputation, v)
    flowed, score = int(reputation.flowed[v]), int(scores[v])
    bounded = int(reputation.bounded.scores[v])
    narrow = reputation.bounded.cut_of(v) if reputation.bounded.flagged[v] else None
    return Explanation(
        account=account,
        score=score,
        rank=1 + int(np.count_nonzero(scores > scores[v])) if score else 0,
        ranked=int(np.count_nonzero(scores)),
        seed=v in seeds,
        flowed=flowed,
        cut=flowed - bounded,
        bottleneck=[graph.accounts[u] for u in narrow or ()],
        warned=bounded - score,
        paths=paths,
        complete=found.complete,
        vouchers=vouchers[:count],
        voucher_count=len(vouchers),
        warners=warners[:count],
    )


def found_accounts(reputation: Reputation, most: int = 1_000) -> frozenset[int]:
    """Whose scores bottlenecks have cut, and the bottlenecks of the best ``most`` of them.

    They are suspects: an honest account that alone vouches for many newcomers is among them.
    """
    bounded = reputation.bounded
    cut = np.flatnonzero(bounded.flagged)
    best = cut[np.argsort(-bounded.scores[cut].astype(np.int64), kind="stable")][:most]
    behind = {u for v in best for u in bounded.cut_of(int(v)) or ()}
    return frozenset({*map(int, cut), *behind})


def _kept(graph: Graph, steps: int, stop: int) -> float:
    """Which part of what arrives after so many steps stays."""
    return stop / WHOLE if steps < steps_of(graph.size) else 1.0


def _vouchers(reputation: Reputation, v: int) -> Sequence[Voice]:
    """Who trusts the account, and about what of the flow each one brought; most first.

    What an account passes on is in proportion to what stays with it, but for the last step.
    """
    graph, into = reputation.graph, reputation.graph.into
    goes = WHOLE - reputation.formula.stop
    found = []
    for i in range(into.start[v], into.start[v + 1]):
        u, weight = int(into.node[i]), int(into.weight[i])
        passed = int(reputation.flowed[u]) * goes * weight
        worth = passed // (WHOLE * int(graph.out.total[u]))
        found.append(Voice(graph.accounts[u], weight, worth))
    return _sorted(found)


def _warners(reputation: Reputation, v: int) -> Sequence[Voice]:
    """Who warns of the account, and what each warning takes, as `take_warnings` counts it."""
    graph, warned = reputation.graph, reputation.graph.warned
    found = []
    for i in np.flatnonzero(warned.node == v):
        u = int(np.searchsorted(warned.start, i, side="right")) - 1
        said = int(graph.out.total[u]) + int(warned.total[u])
        share = (int(reputation.bounded.scores[u]) << SHARE_BITS) // said
        weight = int(warned.weight[i])
        found.append(Voice(graph.accounts[u], weight, (share * weight) >> SHARE_BITS))
    return _sorted(found)


def _sorted(voices: Sequence[Voice]) -> Sequence[Voice]:
    return sorted(voices, key=lambda voice: (-voice.worth, -voice.weight, voice.account))
