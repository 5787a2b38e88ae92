"""Real English at hand on every machine: paragraphs of docstrings of installed packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("numpy", "networkx", "torch", "transformers")
SHORTEST, LONGEST = 220, 1_200
_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_PLAIN = re.compile(r"[A-Z`][A-Za-z0-9 ,;:'\"()`*.\-/]+[.:]")


def paragraphs(count: int) -> list[str]:
    """Return up to ``count`` different paragraphs, in an order fixed by the installed versions.

    Nothing of the packages is run: their files are read.
    """
    found: dict[str, None] = {}
    for text in _all():
        found.setdefault(text)
        if len(found) == count:
            break
    return list(found)


def _all() -> Iterator[str]:
    for package in PACKAGES:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                yield from _of_file(file)


def _of_file(file: Path) -> Iterator[str]:
    for docstring in _DOCSTRING.findall(file.read_text(encoding="utf-8")):
        for block in re.split(r"\n\s*\n", docstring):
            text = " ".join(block.split())
            if SHORTEST <= len(text) <= LONGEST and _PLAIN.fullmatch(text):
                yield text
