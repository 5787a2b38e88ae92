"""From what people say to a payment: feedback → log → graph → epoch → root → proof → contract."""

import json
import os
import subprocess
import sys
import time
from functools import cache

import httpx
import pytest
from solcx import compile_standard

from chainrep.chain.binding import call_to
from chainrep.chain.reputation_roots import EpochState
from chainrep.errors import CallRefused
from chainrep.protocol.reputation_tree import ScoreProof
from tests.node.epoch_town import (
    ACCOUNTS,
    BOND,
    KEEPER,
    LIAR,
    READER,
    SOURCE_OWNER,
    TERMS,
    Town,
)
from tests.tools import ROOT, require_tool

PAYMENT = 10**16


@cache
def payer_code():
    """ABI and bytecode of the example contract, compiled as `scripts/compile` does."""
    require_tool((ROOT / "contracts" / "node_modules" / "solc").exists(), "solc")
    path = "contracts/examples/ReliablePayer.sol"
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {path: {"content": (ROOT / path).read_text()}},
            "settings": {
                "optimizer": {"enabled": True, "runs": 200}, "viaIR": True, "evmVersion": "prague",
                "outputSelection": {"*": {"ReliablePayer": ["abi", "evm.bytecode.object"]}},
            },
        },
        solc_binary=str(ROOT / "contracts" / "solc"), base_path=str(ROOT),
    )  # fmt: skip
    found = output["contracts"][path]["ReliablePayer"]
    return found["abi"], found["evm"]["bytecode"]["object"]


@pytest.fixture
def town(anvil_url, tmp_path):
    return Town(anvil_url, tmp_path)


def payer_contract(town, least):
    abi, code = payer_code()
    factory = town.client.w3.eth.contract(abi=abi, bytecode=code)
    deployment, period = town.session.deployment, 7 * 86_400
    terms = (90, 100, least, 86_400, period, PAYMENT)
    built = factory.constructor(deployment.score_ledger, deployment.reputation_roots, terms)
    receipt = town.client.send({"data": built.data_in_transaction}, ACCOUNTS[0].private_key)
    place = town.client.w3.to_checksum_address(receipt.contract)
    town.client.send({"to": place, "value": 10 * PAYMENT}, ACCOUNTS[0].private_key)
    return town.client.w3.eth.contract(place, abi=abi)


def pay(town, payer, epoch, proof):
    call = payer.functions.payAccount(epoch, proof.account, proof.score, proof.next, proof.siblings)
    town.client.send(call_to(call), ACCOUNTS[0].private_key)


def test_what_is_said_becomes_a_final_root_and_a_contract_pays_by_its_proof(town):
    town.speak()
    epoch = town.end_epoch()
    node = town.node("honest", propose=True)
    assert node.work() == ["proposed"]
    pending = town.roots.epoch(epoch)
    assert (pending.state, pending.proposer) == (EpochState.PENDING, KEEPER.address)
    town.pass_time(TERMS.window)
    before = town.client.balance(KEEPER.address)
    assert node.work() == ["made final", "kept", "withdrew what was owed"]
    assert town.client.balance(KEEPER.address) > before + BOND * 99 // 100

    tree = node.files.tree(node.files.epoch(epoch))
    proof = tree.prove(SOURCE_OWNER.address)
    assert proof.account == SOURCE_OWNER.address
    assert town.roots.score_proven(epoch, proof)
    payer = payer_contract(town, proof.score)
    paid = town.client.balance(SOURCE_OWNER.address)
    pay(town, payer, epoch, proof)
    assert town.client.balance(SOURCE_OWNER.address) == paid + PAYMENT
    with pytest.raises(CallRefused, match=r"0x|AlreadyPaid"):
        pay(town, payer, epoch, proof)
    absent = tree.prove(LIAR.address)
    assert absent.account != LIAR.address
    assert town.roots.absence_proven(epoch, LIAR.address, absent)


def test_a_false_root_is_challenged_and_its_proposer_loses_the_bond(town):
    town.speak()
    epoch = town.end_epoch()
    watcher = town.node("watcher")
    assert watcher.work() == []
    town.lie(epoch)
    poorer = town.client.balance(LIAR.address)
    before = town.client.balance(KEEPER.address)
    assert watcher.work() == ["challenged", "settled", "kept", "withdrew what was owed"]
    assert BOND * 99 // 100 < town.client.balance(KEEPER.address) - before < BOND
    assert town.roots.owed(LIAR.address) == 0
    assert town.client.balance(LIAR.address) == poorer
    found = town.roots.epoch(epoch)
    assert (found.state, found.challenger) == (EpochState.FINAL, KEEPER.address)
    tree = watcher.files.tree(watcher.files.epoch(epoch))
    assert town.roots.score_proven(epoch, tree.prove(READER.address))


def eventually(question, seconds=90.0):  # a first run compiles the kernels
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return answer


@pytest.fixture
def running(town, tmp_path):
    """`chainrep node run --epochs propose` of a fresh home, and where it answers."""
    home = town.session.config.home
    environment = os.environ | {"CHAINREP_HOME": str(home), "CHAINREP_RPC": town.session.config.rpc}
    log = tmp_path / "node.log"
    with log.open("wb") as errors:
        node = subprocess.Popen(
            [sys.executable, "-m", "chainrep", "node", "run", "--no-relay", "--epochs", "propose",
             "--port", "0", "--log-format", "json"],
            cwd=ROOT, env=environment, stderr=errors,
        )  # fmt: skip
    try:
        first = eventually(lambda: [line for line in log.read_text().splitlines() if "url" in line])
        yield json.loads(first[0])["url"]
    finally:
        node.terminate()
        assert node.wait(60) == 0, log.read_text()


def test_a_running_node_proposes_finalizes_and_proves_over_http(town, running):
    def ask(path):
        return httpx.get(running + path, trust_env=False, timeout=60)

    town.speak()
    epoch = town.end_epoch()
    eventually(lambda: town.roots.epoch(epoch).state is EpochState.PENDING)
    assert ask(f"/reputation/{epoch}/ratings").text.count("\n") == 3
    town.pass_time(TERMS.window)
    answer = eventually(
        lambda: (found := ask(f"/reputation/{epoch}/{READER.address}")).status_code == 200 and found
    )
    content = answer.json()
    proof = content["proof"]
    siblings = bytes.fromhex(proof["siblings"][2:])
    found = ScoreProof(proof["account"], proof["score"], proof["next"], siblings)
    assert content["score"] > 0
    assert town.roots.score_proven(epoch, found)
    assert ask("/healthz").json()["parts"]["epochs"]["doing"] == "running"
