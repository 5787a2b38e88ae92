"""Keeping the parts of a node at work: each on a thread, opened anew when it fails.

What is expected to fail at times, a chain or a disk, is waited out. What nobody expected stops the
whole node: one that goes on without one of its parts would look well and do nothing.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event, Lock, Thread

from chainrep.errors import ChainrepError
from chainrep.node.part import Doing, OpenPart, Part, PartState

POLL_SECONDS = 2.0
"""How long a part that is at rest waits until its next step."""
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0
STOP_SECONDS = 30.0
"""What the steps under way are given: a request that nobody answers ends one after 20 seconds."""

_log = logging.getLogger(__name__)


class Supervisor:
    """Runs parts from `start` to `stop`; to be started once.

    ``clock`` is monotonic and ``wall`` a Unix time; ``pause`` waits for an event or so many
    seconds; ``chance`` is a number in 0..1 that spreads the restarts.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[Event, float], bool] = Event.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._wall = wall
        self._pause = pause
        self._chance = chance
        self._lock = Lock()
        self._stop = Event()
        self._broken: BaseException | None = None
        self._states = {part.name: PartState(part.name, clock()) for part in parts}
        self._threads = [Thread(target=self._run, args=(part,), name=part.name) for part in parts]

    @property
    def broken(self) -> BaseException | None:
        """What nobody expected and what stops all parts, if that has happened."""
        return self._broken

    def states(self) -> Sequence[PartState]:
        """How every part stands; may be asked by any thread."""
        with self._lock:
            return list(self._states.values())

    def start(self) -> None:
        """Start every part."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> Sequence[str]:
        """Let every part end its step, and close; the names of those that did not in time."""
        self._stop.set()
        deadline = self._clock() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - self._clock()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _run(self, part: Part) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._work(part)
                except ChainrepError as failure:
                    self._pause(self._stop, self._failed(part, failure))
        except BaseException as error:  # noqa: BLE001 (told to whoever runs the node)
            _log.critical("broke down, the node stops", exc_info=True, extra={"part": part.name})
            self._change(part, failure=error, failures=self._states[part.name].failures + 1)
            self._broken = error
            self._stop.set()
        finally:
            self._change(part, doing=Doing.STOPPED)

    def _work(self, part: Part) -> None:
        """Open the part, and step until the node stops or a step fails."""
        opened = part.open()
        try:
            while not self._stop.is_set():
                outcome = opened.step()
                if isinstance(outcome, ChainrepError):
                    self._pause(self._stop, self._failed(part, outcome))
                    continue
                self._succeeded(part)
                if outcome:
                    self._pause(self._stop, self._poll_seconds)
        finally:
            _close(part, opened)

    def _succeeded(self, part: Part) -> None:
        before = self._states[part.name]
        if before.failure is not None:
            _log.info("works again", extra={"part": part.name, "failures": before.in_a_row})
        self._change(
            part,
            doing=Doing.RUNNING,
            last_success=self._clock(),
            last_success_time=self._wall(),
            failure=None,
            in_a_row=0,
        )

    def _failed(self, part: Part, failure: ChainrepError) -> float:
        """Note a failure, tell it if it is another one than before, and say how long to pause."""
        before = self._states[part.name]
        longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(before.in_a_row, 30))
        pause = longest * (1 + self._chance()) / 2
        if str(before.failure) != str(failure):
            _log.warning(
                "%s",
                failure,
                extra={
                    "part": part.name,
                    "error": type(failure).__name__,
                    "retry_seconds": round(pause, 1),
                },
            )
        self._change(
            part,
            doing=Doing.BACKING_OFF,
            failure=failure,
            failures=before.failures + 1,
            in_a_row=before.in_a_row + 1,
        )
        return pause

    def _change(self, part: Part, **changes: object) -> None:
        with self._lock:
            self._states[part.name] = replace(self._states[part.name], **changes)  # type: ignore[arg-type]


def _close(part: Part, opened: OpenPart) -> None:
    try:
        opened.close()
    except ChainrepError as error:  # it is let go of all the same, and what failed before counts
        _log.warning("%s", error, extra={"part": part.name, "error": type(error).__name__})
