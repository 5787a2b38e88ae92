"""The committed bytecode: current, small enough to deploy, and telling its errors' names."""

import subprocess
import sys

import pytest

from chainrep.chain.artifact import load_artifact
from tests.tools import ROOT, require_tool

MAX_CODE = 24_576
"""Bytes of code that a contract may have (EIP-170)."""


def test_the_committed_artifacts_are_what_the_compiler_makes():
    require_tool((ROOT / "contracts" / "node_modules" / "solc").exists(), "solc")
    run = subprocess.run(
        [sys.executable, "scripts/compile", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=1_200, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "name",
    [
        "SourceRegistry",
        "ScoreLedger",
        "FeedbackLog",
        "ReputationRoots",
        "VerificationJobs",
        "BondedGate",
        "AllowListGate",
    ],
)
def test_an_artifact_fits_into_a_block_and_names_its_errors(name):
    artifact = load_artifact(name)
    assert 1_000 < len(artifact.bytecode) // 2 < MAX_CODE
    assert {entry["type"] for entry in artifact.abi} >= {"function", "event", "error"}
