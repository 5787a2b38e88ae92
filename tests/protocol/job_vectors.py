"""tests/vectors/job.json, which the forge tests read too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrep.protocol.job_terms import Conditions, JobDomain, Terms

VECTORS = json.loads(Path("tests/vectors/job.json").read_text())
DOMAIN = JobDomain(VECTORS["domain"]["chainId"], VECTORS["domain"]["verifyingContract"])


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def number(text: str) -> int:
    return int(text, 16)


def read_terms(vector: Mapping[str, Any]) -> Terms:
    conditions = Conditions(
        vector["requester"],
        vector["provider"],
        int(vector["price"]),
        int(vector["bond"]),
        int(vector["fee"]),
        vector["threshold"],
        vector["panel"],
        vector["rounds"],
        vector["acceptLead"],
        vector["rejectLead"],
    )
    words = (unhex(vector[name]) for name in ("spec", "promptDigest", "seedCommit"))
    return Terms(conditions, vector["commitBy"], *words)
