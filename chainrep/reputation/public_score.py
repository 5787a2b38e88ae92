"""The published reputation: trust from the seeds, bounded at bottlenecks, less warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.reputation.bottleneck import Discounted, discount
from chainrep.reputation.distrust import take_warnings
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import Scores, public_scores


@dataclass(frozen=True, slots=True)
class Reputation:
    """One snapshot's reputations in units of 2^-50 of all trust, uint64 of shape (accounts,).

    ``flowed`` is what reached each account, ``bounded`` says what bottlenecks left of it, and
    ``scores`` is what remains after warnings.
    """

    graph: Graph
    formula: Formula
    flowed: Scores
    bounded: Discounted
    scores: Scores

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the scores as big-endian words, in the order of the accounts."""
        return hashlib.sha256(self.scores.astype(">u8").tobytes()).hexdigest()


def score_accounts(graph: Graph, formula: Formula, threads: int = 1) -> Reputation:
    """Every account's reputation; raise InputError for a seed that is not in the graph."""
    seeds = find_accounts(graph, formula.seeds)
    flowed = public_scores(graph, seeds, formula.stop, threads=threads)
    bounded = discount(graph, seeds, flowed, formula.caps)
    return Reputation(graph, formula, flowed, bounded, take_warnings(graph, bounded.scores))


def find_accounts(graph: Graph, names: Sequence[str]) -> Sequence[int]:
    """The accounts' numbers; raise InputError for a name that is not in the graph."""
    found = [graph.find(name) for name in names]
    missing = [name for name, number in zip(names, found, strict=True) if number is None]
    if missing:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(
            f"{missing[0]!r}{others} is named as a seed but is not in the graph.",
            "Check the spelling, and that it rated or was rated in time.",
        )
    return [number for number in found if number is not None]
