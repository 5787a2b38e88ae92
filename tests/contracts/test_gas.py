"""What every entry point costs, held still; and how other contracts are measured beside ours."""

import json

import pytest

from chainrep.chain.artifact import load_artifact
from chainrep.chain.devnet import find_anvil
from chainrep.errors import ConfigError, InputError
from chainrep.node.batching import SAFE_UPDATES
from scripts.benchmarks.gas.chain import fresh_chain
from scripts.benchmarks.gas.entry_points import entry_point_gas
from scripts.benchmarks.gas.ledger import NOBODY, LedgerUnderTest, deploy, register_sources
from scripts.benchmarks.gas.peer import compile_peer, peer_update_gas
from scripts.benchmarks.gas.updates import TX_GAS_CAP
from tests.tools import ROOT, require_tool

TOLERANCE = 0.01
SOURCES = 6


def test_no_entry_point_costs_more_or_less_than_the_snapshot_says():
    """After a change that is meant: `scripts/bench gas --snapshot`, and commit the result."""
    require_tool(find_anvil(ROOT / "contracts"), "anvil")
    snapshot = json.loads((ROOT / "contracts" / "gas.json").read_text())
    with fresh_chain() as (client, _):
        found = entry_point_gas(client)
    assert found.keys() == snapshot.keys()
    moved = {
        name: (snapshot[name], gas)
        for name, gas in found.items()
        if abs(gas - snapshot[name]) > TOLERANCE * snapshot[name]
    }
    assert moved == {}


def test_a_batch_as_large_as_the_relayer_makes_them_fits_into_a_transaction():
    """Where every source is new, which is when an update costs most."""
    require_tool(find_anvil(ROOT / "contracts"), "anvil")
    with fresh_chain() as (client, _):
        registry = deploy(client, load_artifact("SourceRegistry"), NOBODY, NOBODY)
        register_sources(client, registry, SAFE_UPDATES, lambda: None)
        ledger = LedgerUnderTest(client, registry)
        assert ledger.apply(range(1, SAFE_UPDATES + 1), gas=TX_GAS_CAP) > TX_GAS_CAP // 2


@pytest.mark.parametrize(
    ("folder", "name"), [("peer", "SignedScores"), ("reference", "ReferenceLedger")]
)
def test_another_ledger_contract_is_measured_as_ours_is(client, tmp_path, folder, name):
    require_tool((ROOT / "contracts" / "node_modules" / "solc").exists(), "solc")
    registry = deploy(client, load_artifact("SourceRegistry"), NOBODY, NOBODY)
    register_sources(client, registry, SOURCES, lambda: None)
    text = (ROOT / "tests" / "contracts" / folder / f"{name}.sol").read_text()
    # As in a checkout elsewhere: with Hardhat's console, and our interfaces where it expects them.
    text = text.replace("../../../contracts/", str(ROOT / "contracts") + "/")
    (tmp_path / f"{name}.sol").write_text(text + 'import "hardhat/console.sol";\n')
    found, gas = peer_update_gas(client, registry, tmp_path, (1, 5), SOURCES, 1, lambda: None)
    assert found == name
    assert 5_000 < gas["5"] < gas["1"] < 100_000


def test_a_checkout_without_a_ledger_contract_is_refused(tmp_path):
    (tmp_path / "Token.sol").write_text("contract Token {}")
    with pytest.raises(InputError, match=r"has none\. Known are `applyBatch`"):
        compile_peer(tmp_path)


def test_a_peer_that_does_not_compile_says_why(tmp_path):
    require_tool((ROOT / "contracts" / "node_modules" / "solc").exists(), "solc")
    (tmp_path / "Broken.sol").write_text(
        "pragma solidity 0.8.30;\ncontract Broken { function applyBatch() { } }"
    )
    with pytest.raises(ConfigError, match=r"(?s)Broken does not compile.*visibility"):
        compile_peer(tmp_path)
