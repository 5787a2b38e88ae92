"""Who is blocked: the proven outright, and of the rest as many as stand against each other.

Two kinds of evidence, two rules.

An *accusation* carries its proof, and whoever checks it knows that the accused is faulty, whoever
brought it. Its rule is to block the accused, and nobody else: matching accusers against accused, as
the Decentralized Blocklist Protocol (arXiv 2301.06977) does with all it hears, would let every
proven fault burn an honest witness too, and 1 faulty key with 5 proven faults block 1 of 5 instead
of all.

A *complaint* is only signed. Suppose that complaints are sound: of two accounts that one complaint
ties together, at least one is faulty, though nobody can tell which. Then the protocol's matching is
right. Each account has whole units of stake; a maximum b-matching sets units against units along
complaints, and who has all units matched is blocked. Every matched pair of units has one that
belongs to a faulty account, so that the honest stake blocked is never more than the faulty stake
matched; with one unit each (the paper's rule) never more honest accounts than faulty ones. Stake is
what keeps free identities from burning one honest account each: who has none is not heard, and
nobody's word blocks more than it puts up. Ratings below zero are not sound complaints: on Bitcoin
OTC this rule blocks 30 % of the known good (research/reputation.md, 5).

Complaints that touch the proven are set aside first: a proven fault explains them all.

Which of several maximum matchings counts depends on the order of nodes and edges, which is made
canonical here, and on networkx's algorithm: whoever must agree on a list must run the same version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import networkx as nx

from chainrep.errors import ChainrepError, InputError
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.reputation.accusation import (
    Accusation,
    Complaint,
    FalseSums,
    check_complaint,
    holds,
)

T = TypeVar("T")

MAX_ACCUSATIONS = 10_000
MAX_COMPLAINTS = 1_000
MAX_UNITS = 4
"""Stake units that count: more of them cost time, and say no more about who is faulty."""
MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
"""Evidence that all accusations together may bring."""


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Checksummed addresses: proven faulty, and blocked by complaints."""

    proven: frozenset[str]
    matched: frozenset[str]

    def __contains__(self, account: object) -> bool:
        """Whether the account is blocked, for either reason."""
        return account in self.proven or account in self.matched


def build_blocklist(
    accusations: Iterable[Accusation],
    complaints: Iterable[Complaint],
    stake: Mapping[str, int],
    domain: LedgerDomain,
) -> Blocklist:
    """The blocklist that follows from what was heard, in any order and any number of times.

    ``stake`` is in whole units, of which at most 4 count; who is not in it has none. What does not
    hold is left out, because anybody can send it. Raises InputError for more than 10,000
    accusations, 64 MiB of evidence, 1,000 pairs with signed complaints and stakes, or a stake that
    is no number from zero.
    """
    heard = _distinct(accusations, MAX_ACCUSATIONS, "accusations")
    evidence = sum(len(a.proof.evidence) for a in heard if isinstance(a.proof, FalseSums))
    if evidence > MAX_EVIDENCE_BYTES:
        raise InputError(
            f"The accusations bring more than {MAX_EVIDENCE_BYTES >> 20} MiB of evidence.",
            "Check them in parts: what is proven stays proven.",
        )
    if any(type(units) is not int or units < 0 for units in stake.values()):
        raise InputError("A stake is a whole number of units, zero or more.")
    proven = set[str]()
    for accusation in heard:
        if accusation.accused not in proven and holds(accusation, domain):
            proven.add(accusation.accused)
    pairs = _complained_pairs(complaints, proven, stake, domain)
    return Blocklist(frozenset(proven), match(pairs, stake))


def match(pairs: Iterable[tuple[str, str]], stake: Mapping[str, int]) -> frozenset[str]:
    """Who has every unit matched in a maximum b-matching of these undirected pairs."""
    edges = sorted({(min(pair), max(pair)) for pair in pairs})
    units = dict[str, list[int]]()
    count = 0
    for account in sorted({end for edge in edges for end in edge}):
        own = min(stake.get(account, 0), MAX_UNITS)
        units[account] = list(range(count, count + own))
        count += own
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for one, other in edges:
        graph.add_edges_from(product(units[one], units[other]))
    matching = nx.max_weight_matching(graph, maxcardinality=True)
    taken = {unit for pair in matching for unit in pair}
    return frozenset(a for a, own in units.items() if own and taken.issuperset(own))


def _complained_pairs(
    complaints: Iterable[Complaint],
    proven: Collection[str],
    stake: Mapping[str, int],
    domain: LedgerDomain,
) -> Collection[tuple[str, str]]:
    """Only what is signed by somebody with a stake counts toward the limit: the rest is free."""
    pairs = set[tuple[str, str]]()
    for each in complaints:
        pair = (min(each.accuser, each.accused), max(each.accuser, each.accused))
        if pair in pairs or any(a in proven or not stake.get(a, 0) for a in pair):
            continue
        if _is_signed(each, domain):
            if len(pairs) == MAX_COMPLAINTS:
                raise InputError(
                    f"More than {MAX_COMPLAINTS:,} pairs with a stake complain of each other.",
                    "Count a higher unit as the least stake.",
                )
            pairs.add(pair)
    return pairs


def _distinct(items: Iterable[T], most: int, name: str) -> list[T]:
    """The items, each once, in the order they came in; refuses to read more than ``most``."""
    found = dict[T, None]()
    for count, item in enumerate(items):
        if count == most:
            raise InputError(f"There are more than {most:,} {name}.", "Check them in parts.")
        found[item] = None
    return list(found)


def _is_signed(complaint: Complaint, domain: LedgerDomain) -> bool:
    try:
        check_complaint(complaint, domain)
    except ChainrepError:
        return False
    return True
