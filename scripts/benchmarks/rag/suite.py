"""All methods in one scenario of a tier, measured beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.scoring.ledger_settings import LedgerSettings
from scripts.benchmarks.rag.bootstrap import Bootstrap
from scripts.benchmarks.rag.measures import Marks, costs, drift, marks, ranking
from scripts.benchmarks.rag.methods import METHODS, Cast, Run, cast, play
from scripts.benchmarks.rag.rounds import Tier
from scripts.benchmarks.rag.scenarios import Scenario

OURS = ("ours_0", "gold_only", "ours_5", "ours_10", "ours_pipeline")
STEADY = "ours_5"
"""The method whose inversions are looked for in more runs than the others get."""


def measure(
    tier: Tier,
    scenario: Scenario,
    seeds: int,
    ranked: int,
    settings: LedgerSettings,
    gas: Mapping[str, int],
) -> dict[str, dict[str, Any]]:
    """Return the figures by method; ``ranked`` is the number of runs of ``STEADY`` for its order.

    Where the asker's own model votes, for every method alike, ``sources_only`` has the same figures
    without it, of ``seeds`` runs.
    """
    worlds = [tier.world(scenario, seed, "report") for seed in range(max(seeds, ranked))]
    casts = [cast(world) for world in worlds]
    found = _measured(casts, seeds, settings, gas)
    if casts[0].own is not None:
        alone = [cast(world, own=False) for world in worlds[:seeds]]
        for method, figures in _measured(alone, seeds, settings, gas).items():
            found[method]["sources_only"] = figures
    return found


def _measured(
    casts: Sequence[Cast], seeds: int, settings: LedgerSettings, gas: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    runs: dict[str, list[Run]] = {
        method: [
            play(method, ballots, seed, settings)
            for seed, ballots in enumerate(casts if method == STEADY else casts[:seeds])
        ]
        for method in METHODS
    }
    marked = {m: marks(casts[:seeds], of[:seeds]) for m, of in runs.items()}
    draws = Bootstrap(len(marked["majority"].exact))
    return {
        method: {
            **_compared(method, marked, draws),
            **costs(casts[:seeds], of[:seeds], gas),
            **(ranking(casts[: len(of)], of) if of[0].scores is not None else {}),
            **({"drift": drift(casts[: len(of)], of)} if method in OURS else {}),
        }
        for method, of in runs.items()
    }


def _compared(method: str, marked: Mapping[str, Marks], draws: Bootstrap) -> dict[str, Any]:
    mine = marked[method]
    found: dict[str, Any] = {
        "accuracy": round(float(mine.exact.mean()), 4),
        "accuracy_interval": draws.mean(mine.exact),
        "accuracy_after_100": round(mine.warm, 4),
        "f1": round(float(mine.f1.mean()), 4),
        "f1_interval": draws.mean(mine.f1),
        "attack_success": round(float(mine.attacked.mean()), 4),
    }
    oracle = marked["oracle"]
    found["to_oracle"] = round(float((mine.exact - oracle.exact).mean()), 4)
    found["to_oracle_interval"] = draws.difference(mine.exact, oracle.exact)
    found["to_oracle_after_100"] = round(mine.warm - oracle.warm, 4)
    for other in ("majority", "centralized"):
        theirs = marked[other].exact
        below = float(theirs.mean())
        gain = round(float(mine.exact.mean()) / below - 1.0, 4) if below else None
        found[f"over_{other}"] = gain
        found[f"over_{other}_interval"] = draws.gain(mine.exact, theirs)
    return found
