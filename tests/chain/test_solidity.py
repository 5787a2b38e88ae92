"""The Solidity side: forge's own tests, its formatting, and the committed artifacts."""

import os
import re
import subprocess
import sys

import pytest

from chainrep.chain.artifact import load_artifact
from tests.tools import ROOT, require_tool

FORGE = ROOT / "contracts" / "node_modules" / ".bin" / "forge"


def forge(*arguments):
    require_tool(FORGE.exists(), "forge")
    return subprocess.run(
        [FORGE, *arguments, "--root", "."],
        cwd=ROOT, env={**os.environ, "FOUNDRY_CONFIG": "contracts/foundry.toml"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


def test_every_forge_test_passes():
    run = forge("test", "--color", "never")
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    passed = re.search(r"(\d+) tests passed, 0 failed, 0 skipped", run.stdout)
    assert passed is not None
    assert int(passed.group(1)) >= 217


def test_solidity_is_formatted():
    assert forge("fmt", "--check").returncode == 0


def test_the_committed_artifacts_are_what_the_compiler_makes():
    require_tool((ROOT / "contracts" / "node_modules" / "solc").exists(), "solc")
    run = subprocess.run(
        [sys.executable, "scripts/compile", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "name",
    [
        "SourceRegistry",
        "ScoreLedger",
        "FeedbackLog",
        "ReputationRoots",
        "BondedGate",
        "AllowListGate",
    ],
)
def test_an_artifact_fits_into_a_block_and_names_its_errors(name):
    artifact = load_artifact(name)
    assert 1_000 < len(artifact.bytecode) // 2 < 24_576
    assert {entry["type"] for entry in artifact.abi} >= {"function", "event", "error"}
