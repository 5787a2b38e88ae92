"""What is measured on the runs of one method in one scenario."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.scoring.gold_match import is_right
from rag.scoring.metrics import auc, exact_match, f1, spearman
from scripts.benchmarks.rag.methods import SNAPSHOT, Cast, Run
from scripts.benchmarks.rag.scenarios import BAD, GOOD

WARM = 100
"""Accuracy is also given without the first so many questions, when little is known yet."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Per question, in the tier's own order of questions: exact match, F1, attacker's answer.

    Each is (questions,), averaged over the runs; ``warm`` is exact match of late questions alone.
    """

    exact: NDArray[np.float64]
    f1: NDArray[np.float64]
    attacked: NDArray[np.float64]
    warm: float


def marks(casts: Sequence[Cast], runs: Sequence[Run]) -> Marks:
    """Mark every answer; the runs of a method are of the same questions in different orders."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    warm = []
    for ballots, run in zip(casts, runs, strict=True):
        for number, (answer, r) in enumerate(zip(run.answers, ballots.world.rounds, strict=True)):
            exact = exact_match(answer, r.gold)
            lied = bool(r.attack) and not exact and is_right(answer, r.attack)
            rows.setdefault(r.question, []).append((exact, f1(answer, r.gold), lied))
            if number >= WARM:
                warm.append(exact)
    found = np.array([np.mean(rows[question], axis=0) for question in sorted(rows)])
    return Marks(found[:, 0], found[:, 1], found[:, 2], statistics.fmean(warm or [0.0]))


def ranking(casts: Sequence[Cast], runs: Sequence[Run]) -> dict[str, Any]:
    """Measure how well the scores order the sources.

    ``rho`` is Spearman's with 1 - pollution at the end, over sources, or over sources and topics
    where sources are specialists; ``auc`` good against bad (pollution below and above ½). An
    inversion is a run with ``rho`` < 0. Sources are separate from the first look on from which
    every plainly good one stays above every plainly bad one.
    """
    each = [_ranked(ballots, run) for ballots, run in zip(casts, runs, strict=True)]
    rhos = [row["rho"] for row in each]
    apart = [row["apart"] for row in each if row["apart"] is not None]
    return {
        "rho": round(statistics.fmean(rhos), 4),
        "rho_min": round(min(rhos), 4),
        "auc": round(statistics.fmean(row["auc"] for row in each), 4),
        "inversions": sum(rho < 0 for rho in rhos),
        "runs": len(rhos),
        "separated_runs": len(apart),
        "queries_to_separate": statistics.median(q for q, _ in apart) if apart else None,
        "gold_to_separate": statistics.median(g for _, g in apart) if apart else None,
    }


def drift(casts: Sequence[Cast], runs: Sequence[Run]) -> dict[str, Any]:
    """Measure the alarms of runs in which sources turn in the middle, or in which none does.

    A source that turned is detected at its first alarm after the turn or when its score first is
    under ½, which takes its vote, whichever is earlier; the delay is in questions. One that had no
    ½ when it turned has no vote to lose and is not counted. Any other alarm is false; their rate is
    per 1,000 questions and source.
    """
    delays: list[int] = []
    turned = alarmed = false = chances = 0
    for ballots, run in zip(casts, runs, strict=True):
        assert run.scores is not None  # noqa: S101 - asked only of methods that score
        scenario = ballots.world.scenario
        middle = len(ballots.ballots) // 2
        later = scenario.later or scenario.rates
        turns = {s for s in ballots.sources if later[s] > scenario.rates[s]}
        chances += len(ballots.sources) * len(ballots.ballots)
        false += sum(
            v in ballots.sources and not (v in turns and t > middle) for t, v in run.alarms
        )
        for source in turns:
            scores = run.scores[:, source].mean(axis=1)
            times = (np.arange(len(scores)) + 1) * SNAPSHOT
            if scores[times <= middle][-1] < 0.5:
                continue
            turned += 1
            alarms = [t - middle for t, v in run.alarms if v == source and t > middle]
            fallen = (times[(times > middle) & (scores < 0.5)] - middle).tolist()
            alarmed += bool(alarms)
            if found := alarms[:1] + fallen[:1]:
                delays.append(min(found))
    return {
        "turned": turned,
        "detected": len(delays),
        "detected_within_100": sum(delay <= 100 for delay in delays),
        "alarmed": alarmed,
        "delay_median": statistics.median(delays) if delays else None,
        "delay_max": max(delays, default=None),
        "false_alarms": false,
        "false_alarms_per_1000": round(1_000 * false / chances, 3),
    }


def costs(casts: Sequence[Cast], runs: Sequence[Run], gas: Mapping[str, int]) -> dict[str, Any]:
    """Measure source calls and gold answers per question, and the gas its evidence costs.

    Evidence is sent once per 100 questions, one update per source: ``apply 10`` of the gas
    figures, its part for the sources there are. A pool has no evidence to send.
    """
    questions = sum(len(ballots.ballots) for ballots in casts)
    sources = len(casts[0].sources)
    fixed, ten = gas["apply 1"], gas["apply 10"]
    batch = fixed + (ten - fixed) / 9 * (sources - 1)
    found: dict[str, Any] = {
        "calls_per_query": round(sum(run.calls for run in runs) / questions, 3),
        "gold_share": round(sum(run.seen for run in runs) / questions, 4),
    }
    if runs[0].scores is not None:
        found["gas_per_query"] = round(batch / 100)
    return found


def _ranked(ballots: Cast, run: Run) -> dict[str, Any]:
    assert run.scores is not None  # noqa: S101 - asked only of methods that score
    truth = ballots.polluted_rates()
    special = ballots.world.scenario.special is not None
    scores = run.scores.reshape(len(run.scores), -1) if special else run.scores.mean(axis=2)
    rates = (truth if special else truth.mean(axis=1)).ravel()
    good, bad = rates < 0.5, rates > 0.5
    last = scores[-1]
    return {
        "rho": spearman(last.tolist(), (1.0 - rates).tolist()),
        "auc": auc(last[good].tolist(), last[bad].tolist()),
        "apart": _apart(scores[:, rates <= GOOD], scores[:, rates >= BAD], run),
    }


def _apart(good: NDArray[np.float64], bad: NDArray[np.float64], run: Run) -> tuple[int, int] | None:
    separate = good.min(axis=1) > bad.max(axis=1)
    if not separate[-1]:
        return None
    failed = np.flatnonzero(~separate)
    first = int(failed[-1]) + 1 if len(failed) else 0
    return (first + 1) * SNAPSHOT, run.labels[first]
