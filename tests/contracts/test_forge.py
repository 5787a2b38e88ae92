"""The contracts' own tests, in Solidity, and how much of the contracts they reach."""

import re
from pathlib import Path

import pytest

from tests.contracts.forge import forge
from tests.tools import ROOT


def test_every_forge_test_passes():
    run = forge("test", "--color", "never")
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    passed = re.search(r"(\d+) tests passed, 0 failed, 0 skipped", run.stdout)
    assert passed is not None
    assert int(passed.group(1)) >= 314


def test_solidity_is_formatted():
    assert forge("fmt", "--check").returncode == 0


@pytest.fixture(scope="module")
def coverage(tmp_path_factory) -> dict[str, list[str]]:
    """The lcov records of every file of the contracts."""
    report = tmp_path_factory.mktemp("coverage") / "lcov.info"
    run = forge(
        "coverage", "--color", "never", "--report", "lcov", "--report-file", str(report),
        profile="coverage",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    files: dict[str, list[str]] = {}
    for section in report.read_text().split("end_of_record"):
        name = re.search(r"^SF:(contracts/.+)$", section, re.MULTILINE)
        if name is not None:
            files[name.group(1)] = section.splitlines()
    return files


def test_every_contract_is_measured(coverage):
    """Forge cannot measure the free functions of types/; halmos proves those that pack words."""
    contracts = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "contracts").rglob("*.sol")
        if not {"node_modules", "build"} & set(path.parts) and _has_code(path)
    }
    assert len(contracts) >= 10
    assert coverage.keys() == contracts


def test_every_line_and_branch_of_the_contracts_is_reached(coverage):
    kinds = {"DA": 0, "BRDA": 0, "FNDA": 0}
    missed = []
    for name, lines in coverage.items():
        for line in lines:
            kind, _, record = line.partition(":")
            if kind not in kinds:
                continue
            kinds[kind] += 1
            fields = record.split(",")
            if (fields[0] if kind == "FNDA" else fields[-1]) in {"0", "-"}:
                missed.append(f"{name}: {line}")
    assert missed == []
    assert min(kinds.values()) > 50


def _has_code(path: Path) -> bool:
    text = path.read_text()
    return re.search(r"^((abstract )?contract|library) ", text, re.MULTILINE) is not None
