"""One part of a node that runs for years, and how it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chainrep.errors import ChainrepError


class Doing(StrEnum):
    """What a part does now."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part at work: ``step`` does one bounded piece of it and says whether it is at rest now.

    ``close`` lets go of what was opened. Both raise ChainrepError where a failure is to be
    expected; a part that failed in a step is closed, and opened anew later. A step that returns the
    error instead has failed as well, and goes on later with what is open.
    """

    step: Callable[[], bool | ChainrepError]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Part:
    """A part by its name; ``open`` is called in the thread in which the part then runs."""

    name: str
    open: Callable[[], OpenPart]


@dataclass(frozen=True, slots=True)
class PartState:
    """How a part stands. ``since`` and ``last_success`` are monotonic seconds.

    ``since`` is when it was first started, ``last_success_time`` a Unix time; ``failure`` is what
    it failed with, until it works again; ``failures`` are all of them, ``in_a_row`` the latest.
    """

    name: str
    since: float
    doing: Doing = Doing.STARTING
    last_success: float | None = None
    last_success_time: float | None = None
    failure: BaseException | None = None
    failures: int = 0
    in_a_row: int = 0

    def silent_for(self, now: float) -> float:
        """Seconds since it last did something well, or since it was started."""
        return max(0.0, now - (self.since if self.last_success is None else self.last_success))
