"""What a training needs to go on where it was stopped, on disk."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.training.reader.stream import Point

EMA = 0.99


class Course:
    """The state of a training: parameters, their running average, optimizer, place, time."""

    def __init__(self, trained: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
        self.trained = trained
        self.average = {name: p.detach().clone() for name, p in trained.items()}
        self.optimizer = optimizer
        self.point = Point()
        self.step = 0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long was trained, in all runs together."""
        return time.monotonic() - self._began

    def advance(self, after: Point) -> None:
        """Take one step of the optimizer and put the result into the average."""
        self.optimizer.step()
        self.step, self.point = self.step + 1, after
        # Short at first, so that the average soon forgets where it began.
        decay = min(EMA, self.step / (self.step + 10.0))
        with torch.no_grad():
            for name, parameter in self.trained.items():
                self.average[name].lerp_(parameter, 1.0 - decay)

    def save(self, file: Path) -> None:
        """Write everything, whole or not at all."""
        state = {
            "trained": {name: p.detach() for name, p in self.trained.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "point": asdict(self.point),
            "step": self.step,
            "seconds": self.seconds,
        }
        temporary = file.with_suffix(".part")
        with temporary.open("wb") as out:
            torch.save(state, out)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)

    def resume(self, file: Path, device: str) -> None:
        """Take back what ``save`` wrote; only tensors and plain values are read."""
        state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(state["trained"][name])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.point, self.step = Point(**state["point"]), state["step"]
        self._began = time.monotonic() - state["seconds"]
