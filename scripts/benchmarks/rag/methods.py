"""The methods, and one run of any of them: answers given before anything about them is learned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rag.answer_form import cluster_key
from rag.scoring.ballots import Ballot, Estimator, elect, log_odds
from rag.scoring.estimators import (
    IterativeWeightedMajority,
    KnownWeights,
    Majority,
    OneCoinDawidSkene,
    SeedRule,
)
from rag.scoring.evidence import Limit
from rag.scoring.gold_match import is_right
from rag.scoring.gold_probes import ProbeSchedule
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.ledgers import OWN, LedgerEstimator
from scripts.benchmarks.rag.rounds import TOPICS, World, topic_of
from scripts.benchmarks.rag.through_pipeline import Asked

SNAPSHOT = 5
"""Scores are looked at after every so many questions."""
METHODS = (
    "centralized", "majority", "seed", "iwmv", "dawid_skene", "ours_0", "gold_only", "ours_5",
    "ours_10", "ours_pipeline", "oracle",
)  # fmt: skip
GOLD = {"seed": 1.0, "ours_5": 0.05, "gold_only": 0.05, "ours_pipeline": 0.05, "ours_10": 0.1}
"""The share of questions whose gold answers a method sees; none where it is not named."""


@dataclass(frozen=True, slots=True)
class Cast:
    """A world as ballots; ``right`` says of every voter of a ballot whether gold agrees."""

    world: World
    sources: tuple[int, ...]
    own: int | None
    ballots: tuple[Ballot, ...]
    right: tuple[Mapping[int, bool], ...]

    @property
    def voters(self) -> tuple[int, ...]:
        """The sources, and the asker's own model where it votes."""
        return self.sources if self.own is None else (*self.sources, self.own)

    def polluted_rates(self) -> NDArray[np.float64]:
        """Return the true rates (sources, topics) as they are at the end of the run."""
        found = np.zeros((len(self.sources), len(TOPICS)))
        for ballot, rates in zip(self.ballots, self.world.pollution, strict=True):
            found[:, TOPICS.index(ballot.topic)] = rates
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """What one method did in one world.

    ``calls`` are the sources asked in all, ``seen`` the questions whose gold it saw. ``scores``
    (snapshots, sources, topics) are its reliabilities after every ``SNAPSHOT`` questions,
    ``labels`` the gold seen by then; a pool has no scores. ``alarms`` are as in
    ``LedgerEstimator``.
    """

    answers: tuple[str, ...]
    calls: int
    seen: int = 0
    scores: NDArray[np.float64] | None = None
    labels: tuple[int, ...] = ()
    alarms: tuple[tuple[int, int], ...] = ()


def cast(world: World, own: bool = True) -> Cast:
    """Cluster and judge every answer; ``own`` lets the asker's own model vote where it can."""
    sources = tuple(range(world.pollution.shape[1]))
    ballots, right = [], []
    for r in world.rounds:
        said = dict(enumerate(r.answers)) | ({OWN: r.own} if own else {})
        answers = {v: key(a) for v, a in said.items() if a is not None and key(a)}
        silent = frozenset(sources) - answers.keys()
        ballots.append(Ballot(answers, TOPICS[topic_of(r.question)], silent))
        right.append({v: truth(a, r.gold) for v, a in answers.items()})
    votes = own and any(r.own is not None for r in world.rounds)
    return Cast(world, sources, OWN if votes else None, tuple(ballots), tuple(right))


def play(method: str, cast: Cast, seed: int, settings: LedgerSettings) -> Run:
    """Run one method over all questions of a world."""
    if method == "centralized":
        pooled = tuple(key(r.centralized) for r in cast.world.rounds)
        return Run(pooled, len(pooled) * len(cast.sources))
    if method == "gold_only":
        cast = without_own(cast)
        settings = replace(settings, peer=Limit(0.0), own=Limit(0.0), peer_alarm=0.0)
    rate = GOLD.get(method, 0.0)
    probes = ProbeSchedule(rate, secret(seed, rate)) if rate else None
    asked = None
    if method == "ours_pipeline":
        assert probes is not None  # noqa: S101 - its rate is above
        asked = Asked(cast.sources, cast.own is not None, settings, probes)
        estimator: Estimator = asked.estimator
    else:
        estimator = _estimator(method, cast, seed, settings)
    answers, snapshots, labels = [], [], []
    calls = seen = 0
    each = zip(cast.world.rounds, cast.ballots, cast.right, strict=True)
    for number, (round_, ballot, right) in enumerate(each):
        if asked is not None:
            text, probe = asked.answer(round_)
            answers.append(text)
            calls += len(cast.sources)
        else:
            weights = estimator.weights(ballot)
            calls += sum(1 for voter in weights if voter != OWN)
            answers.append(elect(ballot.answers, weights))
            doubtful = isinstance(estimator, LedgerEstimator) and estimator.doubtful
            probe = probes is not None and probes.next_is_probe(doubtful)
            estimator.learn(ballot, right if probe else None)
        seen += probe
        if number % SNAPSHOT == SNAPSHOT - 1:
            by_topic = [estimator.reliabilities(topic) for topic in TOPICS]
            snapshots.append([[known.get(s, 0.5) for known in by_topic] for s in cast.sources])
            labels.append(seen)
    alarms = tuple(estimator.alarms) if isinstance(estimator, LedgerEstimator) else ()
    return Run(tuple(answers), calls, seen, np.array(snapshots), tuple(labels), alarms)


def without_own(cast: Cast) -> Cast:
    """Return the same without the asker's own model."""
    ballots = tuple(
        replace(b, answers={v: a for v, a in b.answers.items() if v != OWN}) for b in cast.ballots
    )
    right = tuple({v: r for v, r in each.items() if v != OWN} for each in cast.right)
    return Cast(cast.world, cast.sources, None, ballots, right)


def secret(seed: int, rate: float) -> bytes:
    """Return the secret of a run's probes: methods of the same rate have the same draws."""
    return hashlib.sha256(f"probes {seed} {rate}".encode()).digest()


@cache
def key(answer: str) -> str:
    """Return the cluster of an answer, as the pipeline makes it."""
    return cluster_key(answer)


@cache
def truth(answer: str, gold: tuple[str, ...]) -> bool:
    """Tell whether gold agrees with an answer, as the pipeline judges it."""
    return is_right(answer, gold)


def _estimator(method: str, cast: Cast, seed: int, settings: LedgerSettings) -> Estimator:
    makers: dict[str, Callable[[], Estimator]] = {
        "majority": lambda: Majority(cast.voters),
        "seed": lambda: SeedRule(cast.voters, seed, cast.own),
        "iwmv": lambda: IterativeWeightedMajority(cast.voters),
        "dawid_skene": lambda: OneCoinDawidSkene(cast.voters),
        "oracle": lambda: KnownWeights(_true_weights(cast)),
    }
    if method in makers:
        return makers[method]()
    return LedgerEstimator(cast.voters, settings)


def _true_weights(cast: Cast) -> Callable[[str, int], Mapping[int, float]]:
    """Each voter's log-odds of being right where a source is, measured on these very questions.

    Apart for the two halves where a source turns, and for topics where sources are specialists.
    """
    scenario = cast.world.scenario
    middle = len(cast.ballots) // 2

    def case(topic: str, number: int) -> tuple[str, bool]:
        late = scenario.later is not None and number >= middle
        return (topic if scenario.special is not None else ""), late

    right_of: dict[tuple[str, bool], dict[int, list[bool]]] = {}
    for number, (ballot, right) in enumerate(zip(cast.ballots, cast.right, strict=True)):
        if any(right[v] for v in cast.sources if v in right):
            table = right_of.setdefault(case(ballot.topic, number), {})
            for voter, was in right.items():
                table.setdefault(voter, []).append(was)
    weights = {
        which: {v: log_odds((sum(seen) + 0.5) / (len(seen) + 1)) for v, seen in table.items()}
        for which, table in right_of.items()
    }
    none = dict.fromkeys(cast.voters, 0.0)
    return lambda topic, number: none | weights.get(case(topic, number), {})
