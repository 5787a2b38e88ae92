"""What halmos proves for every input, and that it looked at all of it."""

import json
import re

from tests.contracts.forge import PROOFS, auditor
from tests.tools import ROOT

SYMBOLIC = ROOT / "tests" / "contracts" / "symbolic"
MASK_BITS = 32


def test_every_proof_holds_on_every_path(tmp_path):
    report = tmp_path / "proofs.json"
    run = auditor(
        "halmos", "--root", ".", "--forge-build-out", str(PROOFS.relative_to(ROOT)),
        "--loop", str(MASK_BITS + 1), "--no-status", "--json-output", str(report),
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    proofs = [
        proof
        for contract in json.loads(report.read_text())["test_results"].values()
        for proof in contract
    ]
    names = {proof["name"].partition("(")[0] for proof in proofs}
    written = "".join(path.read_text() for path in SYMBOLIC.glob("*.t.sol"))
    assert names == set(re.findall(r"function (check_\w+)", written))
    assert len(names) >= 11
    assert [proof["name"] for proof in proofs if proof["exitcode"] != 0] == []
    # A loop cut short would leave paths unseen, and what was proven would be less than it says.
    assert [proof["name"] for proof in proofs if proof["num_bounded_loops"] != 0] == []
