"""How the settings were chosen: one at a time, on the half of tier B that is never reported on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rag.scoring.evidence import Limit
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.metrics import exact_match
from scripts.benchmarks.rag.methods import Cast, cast, play
from scripts.benchmarks.rag.rounds import Tier
from scripts.benchmarks.rag.scenarios import SCENARIOS

GRID: dict[str, tuple[Any, ...]] = {
    "peer": tuple(Limit(k) for k in (0.0, 0.5, 1.0, 2.0, 4.0)),
    "own": tuple(Limit(k, f) for k in (0.0, 1.0, 2.0) for f in (0.0, 4.0, 8.0)),
    "prior": ((0.5, 0.5), (1.0, 1.0), (2.0, 2.0), (1.0, 2.0)),
    "topic_prior": (1.0, 2.0, 4.0, 8.0, 16.0),
    "half_life": (250.0, 500.0, 1_000.0, 4_000.0),
    "silence": (0.0, 0.25, 0.5, 1.0),
    "head_start": (0.0, 0.5, 0.7, 0.85),
    "joint": (0.0, 0.5, 1.0, 2.0),
    "alarm": (2.0, 3.0, 4.0, 6.0, 1_000.0),
    "peer_alarm": (0.1, 0.3, 0.6, 1.0),
    "keep": (0.03, 0.1, 0.3),
    "copies": (False, True),
}


HARD = ("S1", "S2", "S4", "S5", "S7", "S8")


def candidates(start: LedgerSettings, names: Sequence[str]) -> Iterator[tuple[str, LedgerSettings]]:
    """Yield the start itself, then each setting with one value changed."""
    yield "start", start
    for name in names:
        for value in GRID[name]:
            if value != getattr(start, name):
                yield f"{name}={value}", replace(start, **{name: value})


def tune(
    tier: Tier, seeds: int, start: LedgerSettings, names: Sequence[str] = tuple(GRID)
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield for each candidate its exact matches by scenario, at 5 % gold, and their mean.

    Half of the runs let the asker's own model vote and half do not.
    """
    casts: list[Cast] = [
        cast(tier.world(scenario, 1_000 + seed, "tune"), own)
        for scenario in (SCENARIOS[name] for name in HARD)
        for seed in range(seeds)
        for own in (True, False)
    ]
    for label, settings in candidates(start, names):
        found: dict[str, list[float]] = {}
        for number, ballots in enumerate(casts):
            run = play("ours_5", ballots, number, settings)
            right = [
                exact_match(answer, r.gold)
                for answer, r in zip(run.answers, ballots.world.rounds, strict=True)
            ]
            case = ballots.world.scenario.name + ("" if ballots.own is not None else " sources")
            found.setdefault(case, []).append(statistics.fmean(right))
        means = {name: statistics.fmean(values) for name, values in found.items()}
        yield label, {"mean": statistics.fmean(means.values()), **means}
