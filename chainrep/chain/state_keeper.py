"""Keeps a whole copy of what anvil last wrote of its state.

anvil 1.7 empties its state file and writes it anew, again and again, without a rename: killed in
between, it leaves half a file that it refuses to load. So it writes to one file, and each whole
version is moved into another in one step: by `start`, by `stop`, and by this program in between.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from chainrep.chain.program import Program

DUMP, STATE = "dump.json", "state.json"
_QUIET_SECONDS = 0.2
_POLL_SECONDS = 0.5


def keep_state(folder: Path) -> bool:
    """Put a whole ``dump.json`` in the place of ``state.json``; return whether it was one.

    One caller at a time. Raises OSError where the folder cannot be written.
    """
    content = _whole(folder / DUMP)
    if content is None:
        return False
    state, draft = folder / STATE, folder / (STATE + ".new")
    if state.exists() and state.stat().st_size == len(content) and state.read_bytes() == content:
        return True
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(state)
    return True


def _whole(path: Path) -> bytes | None:
    """The file, if it is one JSON object that nobody was writing while we read."""
    try:
        before = path.stat()
        content = path.read_bytes()
        after = path.stat()
    except FileNotFoundError:
        return None
    # All text in it is hexadecimal, so that only the object's own braces are counted.
    closed = content.startswith(b"{") and content.count(b"{") == content.count(b"}")
    return content if closed and before.st_mtime_ns == after.st_mtime_ns else None


def _watch(folder: Path, chain: Program) -> None:
    """Keep every whole version, until the chain has ended."""
    seen = 0
    while chain.alive:
        dump = folder / DUMP
        written = dump.stat().st_mtime_ns if dump.exists() else seen
        settled = time.time_ns() - written > _QUIET_SECONDS * 1e9
        if written != seen and settled and keep_state(folder):
            seen = written
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), Program(int(sys.argv[2]), sys.argv[3]))
