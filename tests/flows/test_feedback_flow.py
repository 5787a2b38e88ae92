"""Deploy, register, judge, flush, read: separate commands against one local chain."""

import json
import os
import signal
import subprocess
import sys

import pytest

from chainrep.chain.devnet import find_anvil
from tests.tools import ROOT, free_port, interruptible, require_tool, wait_for_chain


class Terminal:
    """Runs ``chainrep`` commands in one home against one URL, each in its own process."""

    def __init__(self, home, url):
        self.environment = {**os.environ, "CHAINREP_HOME": str(home), "CHAINREP_RPC": url}

    def run(self, *arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "chainrep", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def read(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture(params=["anvil", "embedded"])
def terminal(request, tmp_path):
    port = free_port()
    options = ["--port", str(port)]
    if request.param == "anvil":
        require_tool(find_anvil(ROOT / "contracts"), "anvil")
    else:
        options.append("--embedded")
    devnet = subprocess.Popen(
        [sys.executable, "-m", "chainrep", "devnet", "start", "--foreground", *options],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 (it only sets a signal)
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    wait_for_chain(url)
    yield Terminal(tmp_path / "home", url)
    devnet.send_signal(signal.SIGINT)
    told, _ = devnet.communicate(timeout=60)
    assert devnet.returncode == 0
    assert request.param in told
    assert "Stopped." in told


def test_from_a_bare_chain_to_the_most_reliable_source(terminal):
    assert "chainrep deploy" in terminal.run("sources", "top", status=1).stderr

    deployed = terminal.read("deploy")
    assert deployed["new"] is True
    assert terminal.read("deploy") == {**deployed, "new": False}

    for i, name in enumerate(["honest", "liar", "idle"], start=1):
        assert terminal.read("source", "register", f"https://{name}.example")["id"] == i
    twice = terminal.run("source", "register", "https://liar.example", status=1)
    assert "already registered" in twice.stderr
    assert "source 2" in twice.stderr

    for i in range(2):
        terminal.run("feedback", "add", "--source", "1", "--supported", "1", "--key", f"good{i}")
        terminal.run("feedback", "add", "--source", "2", "--contradicted", "1", "--query", f"q{i}")
    again = terminal.read("feedback", "add", "--source", "1", "--supported", "1", "--key", "good0")
    assert again["new"] is False
    stranger = terminal.run("feedback", "add", "--source", "7", "--supported", "1", status=1)
    assert "No source has the id 7" in stranger.stderr
    assert terminal.read("feedback", "status")[0]["pending"] == 4

    over = terminal.run("feedback", "flush", "--max-updates", "99999", status=2)
    assert "--max-updates" in over.stderr
    (batch,) = terminal.read("feedback", "flush")["batches"]
    assert batch["updates"] == 2
    assert batch["gas"] > 21_000
    assert terminal.read("feedback", "status")[0] | {"ledger": ""} == {
        "ledger": "", "pending": 0, "in_flight": 0, "applied": 4, "refused": 0,
    }  # fmt: skip

    best = terminal.read("sources", "top")
    assert [source["source"] for source in best] == [1, 3, 2]
    assert best[0]["reliability"] == pytest.approx(3 / 4)
    assert best[0]["uri"] == "https://honest.example"
    judged = terminal.read("sources", "top", "--min-evidence", "2", "--limit", "1")
    assert [source["source"] for source in judged] == [1]

    shown = terminal.read("source", "show", "2")
    assert shown["score"]["contradicted"] == 200
    assert [source["id"] for source in terminal.read("source", "list")] == [1, 2, 3]
    assert all(check["ok"] for check in terminal.read("doctor"))

    unsure = terminal.run("source", "retire", "1", status=1)
    assert "for good?" in unsure.stderr
    foreign = terminal.run("source", "retire", "1", "--account", "5", "--yes", status=1)
    assert "account that owns the source" in foreign.stderr
    assert terminal.read("source", "retire", "1", "--yes")["retired"] is True
    assert [source["source"] for source in terminal.read("sources", "top")] == [3, 2]
    assert "retired" in terminal.run("source", "show", "1").stdout


def test_feedback_is_kept_while_no_chain_answers_and_sent_when_one_does(terminal):
    terminal.run("deploy")
    terminal.run("source", "register", "https://a.example")
    there = terminal.environment["CHAINREP_RPC"]
    terminal.environment["CHAINREP_RPC"] = "http://127.0.0.1:9"
    kept = terminal.run("feedback", "add", "--source", "1", "--supported", "1")
    assert "was not checked" in kept.stderr
    failed = terminal.run("feedback", "flush", status=1)
    assert "No chain answers at http://127.0.0.1:9" in failed.stderr
    assert terminal.read("feedback", "status")[0]["pending"] == 1
    terminal.environment["CHAINREP_RPC"] = there
    assert len(terminal.read("feedback", "flush")["batches"]) == 1


def test_a_chain_with_another_id_is_refused(terminal):
    terminal.run("deploy")
    wrong = terminal.run("sources", "top", "--chain-id", "5", status=1)
    assert "not 5" in wrong.stderr
