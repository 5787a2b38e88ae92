"""What pacing a daily budget is worth, against flushing whenever enough waits.

What has to be chosen (when the peers flush, η) is chosen on seeds that nothing is reported of.
`python -m scripts.benchmarks.relay.budget --json` prints the figures alone, in some minutes.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import click
import numpy as np

from chainrep.cli.output import progress
from chainrep.node import pacing
from chainrep.node.batch_gas import KNOWN, fixed_gas
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.pacing import Budget
from scripts.benchmarks.relay import lanes
from scripts.benchmarks.relay.spending import Outcome, by_count_and_age, paced, spend
from scripts.benchmarks.relay.trace import (
    BLOCK_SECONDS,
    MEDIAN_FEE,
    SOURCES,
    Trace,
    seeded_trace,
)

DAYS = 2
TUNING, HELD_OUT = range(1_000, 1_008), range(20)
HOURS = {"tight": 4.0, "medium": 1.0, "loose": 0.25}
"""Budgets: all sources once in so many hours, at the median fee."""
COUNTS = np.arange(5.0, 101.0, 5)
AGES = 60.0 * np.array([5, 10, 15, 20, 30, 40, 50, 60, 80, 120, 160, 200, 240, 280, 320, 360])
PRICES = 10 ** np.arange(-5.6, -0.9, 0.2) / MEDIAN_FEE
NEVER = 10**9
STUDENT = 2.09
"""The 97.5 % point of Student's t for 20 seeds."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Flush once ``sources`` wait, or the oldest judgement is ``age`` seconds old."""

    sources: int
    age: int


def budget_of(name: str) -> Budget:
    """The wei per day behind a name."""
    gas = (fixed_gas(1) + SOURCES * KNOWN) * 24 / HOURS[name]
    return Budget(int(gas) * MEDIAN_FEE, BLOCK_SECONDS)


def budget_figures(
    held_out: Sequence[int] = HELD_OUT,
    tuning: Sequence[int] = TUNING,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """`budget`: value against flush-when-full at its best count, and what else it was held against.

    Ratios are of means over the held-out seeds, with a 95 % t interval of the seeds' ratios.
    """
    by_budget = {}
    with ProcessPoolExecutor(2) as pool:
        chosen = dict(zip(HOURS, pool.map(partial(_best_peers, tuning), HOURS), strict=True))
        tick()
        hindsight = pool.map(partial(_hindsight, held_out), HOURS)
        runs = []
        for run in pool.map(partial(_live, chosen), held_out):
            runs.append(run)
            tick()
        for name, best in zip(HOURS, hindsight, strict=True):
            outcomes = {who: [run[name][who] for run in runs] for who in runs[0][name]}
            by_budget[name] = _summary(outcomes, best, chosen[name])
    medium = by_budget["medium"]
    return {
        "budget": {
            "value_gain_vs_flush_when_full": medium["gain_vs"]["count"]["ratio"],
            "interval": medium["gain_vs"]["count"]["interval"],
            "share_of_hindsight": medium["share_of_hindsight"],
            "by_budget": by_budget,
            "seeds": len(held_out),
            "days_per_seed": DAYS,
            "overspent_days": sum(found["overspent_days"] for found in by_budget.values()),
        }
    }


def tuning_figures(etas: Sequence[int] = (1, 2, 4)) -> dict[str, Any]:
    """Mean value on the tuning seeds for each η: how `pacing.ETA` was chosen."""
    with ProcessPoolExecutor(2) as pool:
        return {
            str(eta): {
                name: round(statistics.mean(pool.map(partial(_at_eta, eta, name), TUNING)), 4)
                for name in HOURS
            }
            for eta in etas
        }


def _at_eta(eta: int, name: str, seed: int) -> float:
    budget = budget_of(name)
    with patch.object(pacing, "ETA", eta):
        return spend(seeded_trace(seed, DAYS), budget, paced(FlushPolicy(budget=budget))).value


def _traces(seeds: Sequence[int]) -> Sequence[Trace]:
    return [seeded_trace(seed, DAYS) for seed in seeds]


def _best_peers(seeds: Sequence[int], name: str) -> Mapping[str, Peer]:
    """Of every kind the one that does best on these seeds; and what the product does by itself."""
    traces, wei = _traces(seeds), budget_of(name).wei_per_day
    by_count = lanes.when_full(np.tile(COUNTS, len(traces)))
    by_age = lanes.when_old(np.tile(AGES / BLOCK_SECONDS, len(traces)))
    count = COUNTS[lanes.values(traces, wei, by_count, len(COUNTS)).mean(0).argmax()]
    age = AGES[lanes.values(traces, wei, by_age, len(AGES)).mean(0).argmax()]
    plain = FlushPolicy()
    return {
        "count": Peer(int(count), NEVER),
        "plain count": Peer(plain.flush_at, NEVER),
        "age": Peer(NEVER, int(age)),
        "plain count and age": Peer(plain.flush_at, plain.max_age),
    }


def _hindsight(seeds: Sequence[int], name: str) -> Sequence[float]:
    """The value at the price that was best for each trace, known only afterwards."""
    rule = lanes.at_price(np.tile(PRICES, len(seeds)))
    wei = budget_of(name).wei_per_day
    found = lanes.values(_traces(seeds), wei, rule, len(PRICES))
    return [float(value) for value in found.max(1)]


def _live(
    chosen: Mapping[str, Mapping[str, Peer]], seed: int
) -> Mapping[str, Mapping[str, Outcome]]:
    trace = seeded_trace(seed, DAYS)
    found = {}
    for name, peers in chosen.items():
        budget = budget_of(name)
        found[name] = {"paced": spend(trace, budget, paced(FlushPolicy(budget=budget)))} | {
            who: spend(trace, budget, by_count_and_age(peer.sources, peer.age, budget))
            for who, peer in peers.items()
        }
    return found


def _summary(
    outcomes: Mapping[str, Sequence[Outcome]], best: Sequence[float], peers: Mapping[str, Peer]
) -> dict[str, Any]:
    ours = [outcome.value for outcome in outcomes["paced"]]
    return {
        "value": {
            who: round(statistics.mean(o.value for o in found), 4)
            for who, found in outcomes.items()
        }
        | {"hindsight": round(statistics.mean(best), 4)},
        "gain_vs": {who: _ratio(ours, [o.value for o in outcomes[who]]) for who in peers},
        "share_of_hindsight": _ratio(ours, best)["ratio"],
        "seeds_lost": {
            who: sum(a < b.value for a, b in zip(ours, outcomes[who], strict=True)) for who in peers
        },
        "spent": {
            who: round(statistics.mean(o.spent for o in found), 3)
            for who, found in outcomes.items()
        },
        "batches_per_day": round(statistics.mean(o.batches for o in outcomes["paced"]) / DAYS, 1),
        "peer_count": peers["count"].sources,
        "peer_age_s": peers["age"].age,
        "overspent_days": sum(o.overspent_days for o in outcomes["paced"]),
    }


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    mean = statistics.mean(ratios)
    half = STUDENT * statistics.stdev(ratios) / math.sqrt(len(ratios)) if len(ratios) > 1 else 0.0
    return {
        "ratio": round(statistics.mean(ours) / statistics.mean(theirs), 4),
        "interval": [round(mean - half, 4), round(mean + half, 4)],
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--tune", is_flag=True, help="Only how η was chosen, on the tuning seeds.")
def main(as_json: bool, tune: bool) -> None:
    """Pacing a daily budget against flushing by count and age, on seeded gas prices."""
    with progress() as bar:
        task = bar.add_task("Seeds", total=None)
        found = tuning_figures() if tune else budget_figures(tick=lambda: bar.advance(task))
    click.echo(json.dumps(found, indent=None if as_json else 1))


if __name__ == "__main__":
    main()
