"""The compiled contracts that ship with the package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Artifact:
    """ABI and creation bytecode (0x hex) of one contract."""

    name: str
    abi: Sequence[dict[str, Any]]
    bytecode: str


@cache
def load_artifact(name: str) -> Artifact:
    """Read ``artifacts/<name>.json`` from the installed package."""
    text = (files("chainrep.chain") / "artifacts" / f"{name}.json").read_text()
    content = json.loads(text)
    return Artifact(name, content["abi"], content["bytecode"])
