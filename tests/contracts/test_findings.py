"""What slither finds in the contracts, each finding answered in docs/threat-model.md."""

import json
import re

from tests.contracts.forge import auditor
from tests.tools import ROOT


def test_every_finding_of_slither_is_answered_and_every_answer_has_its_finding(tmp_path):
    report = tmp_path / "findings.json"
    run = auditor(
        "slither", "contracts", "--ignore-compile",
        "--foundry-out-directory", "build/proofs/out",
        "--filter-paths", "node_modules|tests/", "--json", str(report),
    )  # fmt: skip
    assert report.exists(), run.stdout[-2000:] + run.stderr[-4000:]
    found = json.loads(report.read_text())
    assert found["success"], found["error"]
    names = {_name(finding) for finding in found["results"]["detectors"]}
    answers = (ROOT / "docs" / "threat-model.md").read_text()
    answered = {
        f"{kind} {where}"
        for kind, places in re.findall(r"^\| `([\w-]+)` \| (.+?) \|", answers, re.MULTILINE)
        for where in re.findall(r"`(\w+\.\w+)`", places)
    }
    assert answered == names
    assert len(names) > 10  # it did read the contracts


def _name(finding) -> str:
    """A finding by its kind and the function it is in."""
    place = next(element for element in finding["elements"] if element["type"] == "function")
    contract = place["type_specific_fields"]["parent"]["name"]
    return f"{finding['check']} {contract}.{place['name']}"
