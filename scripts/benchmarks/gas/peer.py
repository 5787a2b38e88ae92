"""Another ledger contract, found in a checkout of it and compiled as ours is.

Two kinds of contract can be driven, told apart by their batch function: `applyBatch`, as our own
and every earlier or later version of it, and `feedbackAndUpdateScoreRecords`, as the contract of
Reliable-dRAG, in which each source signs and scores are overwritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from web3.contract import Contract

from chainrep.chain.artifact import Artifact
from chainrep.chain.client import Client
from chainrep.errors import ConfigError, InputError
from scripts.benchmarks.gas.chain import ROOT
from scripts.benchmarks.gas.drag_scores import DragScores
from scripts.benchmarks.gas.ledger import LedgerUnderTest

OURS = "applyBatch"
SIGNED_BY_SOURCES = "feedbackAndUpdateScoreRecords"
NOT_THE_PRODUCT = {"node_modules", "test", "tests", "build", "out", "artifacts", "cache", "mocks"}
MAX_SOURCE_BYTES = 1 << 20
CONSOLE = "hardhat/console.sol"


def peer_update_gas(
    client: Client,
    registry: Contract,
    checkout: Path,
    sizes: Sequence[int],
    sources: int,
    rounds: int,
    tick: Callable[[], object],
) -> tuple[str, Mapping[str, float]]:
    """The peer's name, and its mean gas per update by batch size in steady state."""
    artifact = compile_peer(checkout)
    if SIGNED_BY_SOURCES in _functions(artifact):
        drag = DragScores(client, artifact, sources)
        batch = drag.update
    else:
        ledger = LedgerUnderTest(client, registry, artifact=artifact)
        ledger.touch(sources)

        def batch(count: int) -> int:
            return ledger.apply_random(count, sources)

    found = {}
    for size in sizes:
        total = 0
        for _ in range(rounds):
            total += batch(size)
            tick()
        found[str(size)] = round(total / rounds / size, 1)
    return artifact.name, found


def compile_peer(checkout: Path) -> Artifact:
    """Compile the one contract in the checkout that has a batch function known here.

    Raises InputError where there is none or several, and ConfigError where it does not compile.
    """
    found = [
        (path, name)
        for path in sorted(checkout.rglob("*.sol"))
        if not NOT_THE_PRODUCT & set(path.relative_to(checkout).parts)
        for name in _contracts_in(path)
    ]
    if len(found) != 1:
        names = ", ".join(name for _, name in found) or "none"
        raise InputError(
            f"{checkout} has to hold one contract with a known batch function, and has {names}.",
            f"Known are `{OURS}` and `{SIGNED_BY_SOURCES}`; name a folder further down.",
        )
    path, name = found[0]
    return compile_contract(checkout, str(path.relative_to(checkout)), name)


def _contracts_in(path: Path) -> Sequence[str]:
    if path.stat().st_size > MAX_SOURCE_BYTES:
        return []
    text = path.read_text(errors="replace")
    if not re.search(rf"\bfunction\s+({OURS}|{SIGNED_BY_SOURCES})\s*\(", text):
        return []
    return re.findall(r"^contract\s+(\w+)", text, re.MULTILINE)


def compile_contract(checkout: Path, source: str, name: str) -> Artifact:
    """Compile one contract as the product is; raise ConfigError where that fails."""
    from solcx import compile_standard
    from solcx.exceptions import SolcError

    folder = files("chainrep.chain") / "artifacts"
    settings = json.loads((folder / "ScoreLedger.json").read_text())["settings"]
    sources = {source: {"content": (checkout / source).read_text()}}
    if not (checkout / "node_modules" / CONSOLE).exists():
        # Hardhat's debugging aid, often imported and left unused: nothing of it is in the gas.
        sources[CONSOLE] = {"content": "library console {}"}
    job: dict[str, Any] = {
        "language": "Solidity",
        "sources": sources,
        "settings": settings
        | {"outputSelection": {source: {name: ["abi", "evm.bytecode.object"]}}},
    }
    try:
        output = compile_standard(
            job, solc_binary=str(ROOT / "contracts" / "solc"), base_path=str(checkout)
        )
    except SolcError as error:
        complaint = str(error).partition("> command:")[0]
        raise ConfigError(
            f"{name} does not compile with solc 0.8.30: {complaint[:2000]}",
            "Its imports are looked for in the checkout, its node_modules, and ours.",
        ) from error
    compiled = output["contracts"][source][name]
    return Artifact(name, compiled["abi"], "0x" + compiled["evm"]["bytecode"]["object"])


def _functions(artifact: Artifact) -> set[str]:
    return {entry["name"] for entry in artifact.abi if entry["type"] == "function"}
