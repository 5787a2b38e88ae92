"""Worlds kept in files: a tier that takes an hour to ask is asked once, also over several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.span_model import READER_SHA256
from scripts.benchmarks.rag.rounds import Part, Round, Tier, World
from scripts.benchmarks.rag.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Kept:
    """A tier whose worlds are read from ``folder``, and put there when they are not yet in it.

    A file is good for the same scenario, seed, part and reader's weights. Whoever asks about other
    data, or changes how passages are polluted, found or read, begins an empty folder.
    """

    tier: Tier
    folder: Path

    @property
    def name(self) -> str:
        """The letter of the tier."""
        return self.tier.name

    def world(self, scenario: Scenario, seed: int, part: Part) -> World:
        """Return one run as the tier does."""
        label = f"{self.name} {scenario.name} {seed} {part} {READER_SHA256[:8]}"
        file = self.folder / f"{label}.json"
        told = json.loads(json.dumps(asdict(scenario), default=sorted))
        if file.exists():
            kept = json.loads(file.read_text())
            if kept["scenario"] == told:
                rounds = tuple(_round(row) for row in kept["rounds"])
                return World(rounds, np.array(kept["pollution"]), scenario)
        world = self.tier.world(scenario, seed, part)
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = [asdict(r) for r in world.rounds]
        text = json.dumps({"scenario": told, "pollution": world.pollution.tolist(), "rounds": rows})
        # Whole or not at all: a run that is killed here leaves no half of a world.
        unfinished = file.with_suffix(".part")
        unfinished.write_text(text)
        unfinished.replace(file)
        return world


def _round(row: Mapping[str, Any]) -> Round:
    answers, gold, attack = (tuple(row[name]) for name in ("answers", "gold", "attack"))
    return Round(row["question"], answers, row["centralized"], gold, attack, row["own"])
