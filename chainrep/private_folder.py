"""Folders of ours, which hold keys and what a user asked: for their owner only, from the start."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> list[Path]:
    """Make a folder and the parents that it lacks, mode 0700; return these, outermost first.

    ``mkdir(parents=True)`` gives its mode to the innermost alone. What is there already keeps the
    mode that its owner gave it. Raises OSError.
    """
    lacking = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(lacking):
        place.mkdir(mode=0o700, exist_ok=True)
    return lacking[::-1]
