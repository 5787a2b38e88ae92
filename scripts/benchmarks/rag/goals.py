"""The goals of these measurements beside what was measured; a goal is never quietly dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Found = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]

OURS = "ours_5"
SEED_GAIN = 0.107
"""What the seed system reports over a centralized pool (arXiv 2511.07577)."""


def check_goals(found: Found) -> list[dict[str, Any]]:
    """Return every goal with its figure, and whether it is met; all are of 5 % gold."""
    return [
        {"goal": goal, "measured": measured, "met": met} for goal, measured, met in _goals(found)
    ]


def _goals(found: Found) -> Iterator[tuple[str, Any, bool]]:
    for letter, scenarios in found.items():
        for name, methods in scenarios.items():
            row = methods[OURS]
            where = f"{letter} {name}"
            gap = row["to_oracle"]
            yield f"{where}: at most .01 under the oracle", gap, gap >= -0.01
            late = row["to_oracle_after_100"]
            yield f"{where}: the same after 100 questions", late, late >= -0.01
            # Where many true values tie, ranks cannot agree; the area under the curve can.
            poisoned = name.startswith("poisoned")
            tied = poisoned or name in {"S3", "S3_majority", "S7", "S8"}
            if tied:
                yield f"{where}: AUC of good against bad ≥ .95", row["auc"], row["auc"] >= 0.95
            else:
                yield f"{where}: rho ≥ .85", row["rho"], row["rho"] >= 0.85
            yield f"{where}: no inversion", row["inversions"], row["inversions"] == 0
            if poisoned:
                success = row["attack_success"]
                yield f"{where}: ≤ 5 % give the attacker's answer", success, success <= 0.05
            if name in {"S1", "S4"}:
                gain = row["over_majority"]
                # No gain can be told where the majority is never right: then the figure counts.
                met = gain >= 0.2 if gain is not None else row["accuracy"] > 0.0
                yield f"{where}: ≥ 20 % over the majority", gain, met
            if name == "S1":
                gain = row["over_centralized"]
                met = gain is not None and gain > SEED_GAIN
                yield f"{where}: > 10.7 % over the pool", gain, met
            if name in {"S5", "S8"}:
                seen = row["drift"]
                met = 0 < seen["turned"] == seen["detected_within_100"]
                yield f"{where}: drift detected within 100 questions", seen, met
    if "S1" in found.get("A", {}):
        accuracy = found["A"]["S1"][OURS]["accuracy"]
        yield "A S1: accuracy ≥ .90", accuracy, accuracy >= 0.9
