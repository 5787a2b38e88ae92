"""A node that runs while feedback comes in, is killed, loses its chain, and is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from chainrep.chain.devnet import find_anvil
from chainrep.chain.local_chain import find_local_chain, start_local_chain, stop_local_chain
from chainrep.cli.app import cli
from chainrep.store.backlog import read_backlog
from chainrep.store.score_view import ScoreView
from tests.node.anvil_chain import AnvilChain, judgement
from tests.tools import ROOT, free_port, interruptible, require_tool

PATIENCE = 120.0


class Operator:
    """One home folder on one chain, and one node at a time."""

    def __init__(self, url, folder):
        self.chain = AnvilChain(url, folder / "home")
        self.config = self.chain.session.config
        self.ledger = self.chain.session.deployment.ledger_id
        self.environment = {
            **os.environ, "CHAINREP_HOME": str(folder / "home"), "CHAINREP_RPC": url,
        }  # fmt: skip
        self.folder = folder
        self.node, self.url, self.runs = None, "", 0

    def add(self, key):
        """What `chainrep feedback add` does, without starting a program for it."""
        outbox = self.chain.session.outbox()
        outbox.put(judgement(key))
        outbox.db.close()

    def applied(self):
        """How much of the feedback is confirmed."""
        return read_backlog(self.config.store, self.ledger).applied

    def status(self):
        """`chainrep node status` of the running node."""
        arguments = ["node", "status", "--url", self.url, "--json"]
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
        return done.return_value or 0, json.loads(done.stdout)

    def start_node(self, *options):
        self.runs += 1
        self.log = self.folder / f"node{self.runs}.log"
        with self.log.open("wb") as log:
            self.node = subprocess.Popen(
                [sys.executable, "-m", "chainrep", "node", "run", "--port", "0",
                 "--log-format", "json", *options],
                cwd=ROOT, env=self.environment, stderr=log,
                preexec_fn=interruptible,  # noqa: PLW1509 (it only sets a signal)
            )  # fmt: skip
        self.url = eventually(lambda: self.logged("node answers"))[0]["url"]

    def logged(self, message=None):
        """What the node has logged so far, line by line: each of them is JSON."""
        lines = self.log.read_text().splitlines(keepends=True)
        entries = [json.loads(line) for line in lines if line.endswith("\n")]
        return [e for e in entries if message in (None, e["message"])]

    def stop_node(self, number=signal.SIGTERM):
        self.node.send_signal(number)
        return self.node.wait(60)

    def get(self, path):
        return httpx.get(self.url + path, trust_env=False, timeout=60)

    def metrics(self):
        answer = self.get("/metrics")
        assert answer.status_code == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def settles(self, number):
        """Wait until the running node has confirmed so many batches."""
        eventually(lambda: self.metrics().get(("chainrep_batches_settled_total",)) == number)
        return self.chain.supported()[0]


def eventually(question, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return answer


@pytest.fixture
def chain(tmp_path):
    """An anvil that can be stopped and started again with what it knew."""
    program = find_anvil(ROOT / "contracts")
    require_tool(program, "anvil")
    folder, port = tmp_path / "devnet", free_port()
    folder.mkdir()
    start_local_chain(folder, port, program)
    yield folder, port, program
    stop_local_chain(folder, find_local_chain(folder))


@pytest.fixture
def operator(chain, tmp_path):
    operator = Operator(f"http://127.0.0.1:{chain[1]}", tmp_path)
    yield operator
    if operator.node is not None and operator.node.poll() is None:
        operator.node.kill()
        operator.node.wait(60)


def test_a_node_carries_feedback_survives_a_kill_and_a_lost_chain_and_stops(operator, chain):
    operator.start_node("--flush-at", "1", "--unwell-after", "4")
    subprocess.run(
        [sys.executable, "-m", "chainrep", "feedback", "add", "--source", "1", "--supported", "1"],
        cwd=ROOT, env=operator.environment, check=True, timeout=60,
    )  # fmt: skip
    assert operator.settles(1) == 100

    figures = operator.metrics()
    assert figures["chainrep_updates_settled_total",] == 1
    assert figures["chainrep_gas_used_total",] > 21_000
    assert figures["chainrep_fees_paid_ether_total",] > 0
    assert figures["chainrep_part_up", "relayer"] == figures["chainrep_part_up", "indexer"] == 1
    assert figures["chainrep_rpc_up", operator.environment["CHAINREP_RPC"]] == 1
    assert figures["chainrep_store_readable",] == 1
    assert 0 < figures["chainrep_sender_balance_ether",] < 10_001
    height = operator.chain.height()
    eventually(lambda: operator.get("/healthz").json()["index"]["block"] == height)
    with closing(ScoreView(operator.config.store, operator.ledger)) as view:
        assert view.standing(1).score.supported == 100
    (root,) = [path.stem for path in (operator.folder / "home" / "evidence").rglob("*.json")]
    assert operator.get(f"/evidence/{root}").json()
    assert operator.get("/deployment").json()["chain_id"] == 31337
    assert operator.logged("batch confirmed")[0]["part"] == "relayer"
    code, told = operator.status()
    assert (code, told["status"], told["parts"]["relayer"]["doing"]) == (0, "ok", "running")

    operator.add("two")
    assert operator.stop_node(signal.SIGKILL) == -signal.SIGKILL
    operator.start_node("--flush-at", "1", "--unwell-after", "4")
    eventually(lambda: operator.applied() == 2)
    assert operator.chain.supported()[0] == 200
    settled = operator.metrics()["chainrep_batches_settled_total",]

    folder, port, program = chain
    stop_local_chain(folder, find_local_chain(folder))
    eventually(lambda: operator.get("/healthz").status_code == 503)
    code, told = operator.status()
    assert (code, told["status"]) == (1, "unwell")
    assert operator.metrics()["chainrep_part_up", "relayer"] == 0
    start_local_chain(folder, port, program)
    eventually(lambda: operator.get("/healthz").status_code == 200)
    operator.add("three")
    assert operator.settles(settled + 1) == 300

    assert operator.stop_node() == 0
    (last,) = operator.logged("node stopped")
    assert (last["open_batches"], last["pending"]) == (0, 0)
    assert operator.logged("works again")
