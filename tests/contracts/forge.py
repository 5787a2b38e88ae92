"""Running forge, and what reads its output, as contracts/foundry.toml says."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests.tools import ROOT, require_tool

TOOLS = ROOT / "contracts" / "node_modules" / ".bin"
AUDIT = ROOT / ".venv" / "audit" / "bin"
SETTINGS = os.environ.get("FOUNDRY_PROFILE", "default")
"""The profile of contracts/foundry.toml: "deep" tries more."""
PROOFS = ROOT / "contracts" / "build" / "proofs" / "out"


def forge(*arguments: str, profile: str = SETTINGS) -> subprocess.CompletedProcess[str]:
    """Run forge on the project."""
    require_tool((TOOLS / "forge").exists(), "forge")
    return run(TOOLS / "forge", *arguments, "--root", ".", profile=profile)


def auditor(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run halmos or slither on the product's own bytecode, which forge builds first."""
    require_tool((AUDIT / name).exists(), name)
    PROOFS.parent.parent.mkdir(parents=True, exist_ok=True)
    with (PROOFS.parent.parent / "proofs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may test another auditor
        _build()
        if len(list((PROOFS / "build-info").glob("*.json"))) > 1:
            # What forge left of earlier sources would be read beside the present ones.
            shutil.rmtree(PROOFS.parent)
            _build()
    return run(AUDIT / name, *arguments, profile="proofs")


def _build() -> None:
    built = forge("build", "--color", "never", profile="proofs")
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-2000:]


def run(program: Path, *arguments: str, profile: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds forge on its path and the project's settings."""
    settings = {
        "FOUNDRY_CONFIG": str(ROOT / "contracts" / "foundry.toml"),
        "FOUNDRY_PROFILE": profile,
        "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        [program, *arguments], cwd=ROOT, env=os.environ | settings,
        capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
