"""A program running in the background, known by more than a number that is soon used again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_START_TIME, _STATE = 19, 0  # of /proc/<pid>/stat, counted from behind the name: proc(5)


@dataclass(frozen=True, slots=True)
class Program:
    """One run of a program: its number, and when it began, so that a reused number is noticed."""

    pid: int
    began: str

    @property
    def alive(self) -> bool:
        """Whether this very run still goes on; a zombie does not."""
        return _began(self.pid) == self.began


def program_of(pid: int) -> Program | None:
    """The program that runs under a number now, or None."""
    began = _began(pid)
    return None if began is None else Program(pid, began)


def end_program(program: Program, patience: float) -> bool:
    """Ask it to end with SIGTERM, and kill it and its session after ``patience`` seconds.

    Return whether it ended by itself. The program has to lead its own session. Nothing is sent
    to another program that has taken the number.
    """
    if not program.alive:
        return True
    with suppress(ProcessLookupError):
        os.kill(program.pid, signal.SIGTERM)
    if _gone(program, patience):
        return True
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    _gone(program, patience)
    return False


def _gone(program: Program, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while program.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _began(pid: int) -> str | None:
    if (_PROC / "self" / "stat").exists():
        return _began_on_linux(pid)
    ps = shutil.which("ps") or "/bin/ps"
    told = subprocess.run(  # noqa: S603 (the system's own ps, with a number as argument)
        [ps, "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True, text=True, check=False, env={"LC_ALL": "C"},
    )  # fmt: skip
    state, _, began = told.stdout.strip().partition(" ")
    return None if not began or state.startswith("Z") else began.strip()


def _began_on_linux(pid: int) -> str | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[_STATE] in {"Z", "X"}:
        return None
    boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    return f"{boot} {fields[_START_TIME]}"
