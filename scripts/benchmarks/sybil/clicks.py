"""A hundred nodes that search, click and gossip, with G-Rank as published and with ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from chainrep.reputation.click_rank import Click, ClickLog, Ranking

NODES, QUERIES, RESULTS, TARGETS = 100, 20, 10, 5
GOOD, POOR, READ_ON = 0.8, 0.15, 0.85
"""Chances to click the best result and any other, and to look at the next one."""
LISTENERS = 2
HALF_LIFE = 4_000


class Ranker(Protocol):
    """What a node ranks by."""

    def rank(self, query: str, results: Sequence[str], at: int) -> Ranking:
        """Results in the order to show them."""

    def click(self, ranking: Ranking, result: str, at: int) -> None:
        """Remember a choice."""

    def hear(self, sender: str, clicks: Sequence[Click], at: int) -> None:
        """Take in another node's clicks."""

    def told(self, at: int) -> list[Click]:
        """What to gossip."""


class GRank:
    """The published rule: own clicks, then others' by (t + m^2) / u over whole logs, for ever."""

    def __init__(self) -> None:
        self._own: Counter[Click] = Counter()
        self._heard: dict[str, set[Click]] = {}
        self._similar: dict[str, int] = {}

    def rank(self, query: str, results: Sequence[str], at: int) -> Ranking:  # noqa: ARG002
        """Results by own clicks, then by the similarity of those who clicked them."""
        votes: dict[str, int] = defaultdict(int)
        for sender, clicks in self._heard.items():
            for name in results:
                if (query, name) in clicks:
                    votes[name] += self._similarity(sender)
        own = self._own
        return Ranking(
            query,
            tuple(sorted(results, key=lambda name: (-own[query, name], -votes[name], name))),
            aided=True,
        )

    def click(self, ranking: Ranking, result: str, at: int) -> None:  # noqa: ARG002
        """Count it."""
        self._own[ranking.query, result] += 1
        self._similar.clear()

    def hear(self, sender: str, clicks: Sequence[Click], at: int) -> None:  # noqa: ARG002
        """Keep the sender's log, which only grows."""
        self._heard[sender] = set(clicks)
        self._similar.pop(sender, None)

    def told(self, at: int) -> list[Click]:  # noqa: ARG002
        """All own clicks."""
        return list(self._own)

    def _similarity(self, sender: str) -> int:
        if sender not in self._similar:
            mine, theirs = set(self._own), self._heard[sender]
            shared = len({query for query, _ in mine} & {query for query, _ in theirs})
            found = shared + len(mine & theirs) ** 2
            self._similar[sender] = (found << 16) // max(1, len(mine | theirs))
        return self._similar[sender]


@dataclass(frozen=True, slots=True)
class Attack:
    """So many of the nodes push spam for some steps; ``camouflage``: only on a quarter of queries.

    For the other queries they then claim the best result, as if they shared everybody's judgement.
    """

    attackers: int
    first: int
    last: int
    camouflage: bool = False


def share_best_on_top(
    make: Callable[[], Ranker], attack: Attack, steps: int, seed: int
) -> dict[str, float]:
    """How often the best, and spam, leads on attacked queries: late in the attack, at the end."""
    random = Random(seed)  # noqa: S311 (a simulation)
    names = {q: random.sample(range(100, 1_000), RESULTS) for q in range(QUERIES)}
    results = {q: [f"result {n}" for n in names[q]] for q in range(QUERIES)}  # [0] best, [1] spam
    given = {q: random.sample(results[q], RESULTS) for q in range(QUERIES)}
    honest = NODES - attack.attackers
    nodes = [make() for _ in range(honest)]
    targets = range(TARGETS if attack.camouflage else QUERIES)
    claimed = [(f"query {q}", results[q][1 if q in targets else 0]) for q in range(QUERIES)]
    seen: dict[str, list[str]] = {"attack": [], "end": []}
    for step in range(steps):
        node, query = random.randrange(honest), random.randrange(QUERIES)
        ranking = nodes[node].rank(f"query {query}", given[query], step)
        top = {results[query][0]: "best", results[query][1]: "spam"}.get(ranking.results[0], "")
        if query in targets and attack.first + attack.last < 2 * step < 2 * attack.last:
            seen["attack"].append(top)
        if query in targets and step >= steps * 4 // 5:
            seen["end"].append(top)
        chosen = _chosen(random, ranking, results[query][0])
        if chosen is not None:
            nodes[node].click(ranking, chosen, step)
        for listener in random.sample(range(honest), LISTENERS):
            if listener != node:
                nodes[listener].hear(f"node {node}", nodes[node].told(step), step)
        if attack.first <= step < attack.last:
            # Every node gossips at the same rate, so attackers speak as often as they are many.
            for _ in range(max(1, attack.attackers // honest)):
                attacker = random.randrange(honest, NODES)
                for listener in random.sample(range(honest), LISTENERS):
                    nodes[listener].hear(f"node {attacker}", claimed, step)
    return {
        f"{what}_{when}": round(tops.count(what) / len(tops), 4)
        for when, tops in seen.items()
        if tops
        for what in ("best", "spam")
    }


def _chosen(random: Random, ranking: Ranking, best: str) -> str | None:
    """A user reads from the top and clicks what looks right; good results look right more often."""
    for result in ranking.results:
        if random.random() < (GOOD if result == best else POOR):
            return result
        if random.random() > READ_ON:
            return None
    return None


def our_ranker() -> ClickLog:
    """A new node's log, ours."""
    return ClickLog(HALF_LIFE)


def measure_clicks(steps: int = 4_000, seed: int = 5) -> dict[str, Any]:
    """Shares of attacked queries with the best result, and with spam, on top."""
    half = steps // 2
    attacks = {
        "none": Attack(10, 0, 0),
        "10": Attack(10, 0, half),
        "75": Attack(75, 0, half),
        "75_late": Attack(75, half * 2 // 3, half * 4 // 3),
        "75_camouflage": Attack(75, 0, half, camouflage=True),
        "75_for_ever": Attack(75, 0, steps),
    }
    return {
        name: {
            "ours": share_best_on_top(our_ranker, attack, steps, seed),
            "g_rank": share_best_on_top(GRank, attack, steps, seed),
        }
        for name, attack in attacks.items()
    }
