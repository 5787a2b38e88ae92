"""The local chain: in the foreground and how it ends, in the background and what it keeps."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from chainrep.chain.client import connect
from chainrep.chain.devnet import find_anvil
from chainrep.chain.program import program_of
from chainrep.cli.app import cli
from chainrep.errors import ChainUnreachable, ConfigError
from tests.tools import ROOT, free_port, interruptible, require_tool, wait_for_chain


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["anvil", "embedded"])
def test_a_foreground_chain_that_is_stopped_leaves_nothing_running(kind, ending):
    if kind == "anvil":
        require_tool(find_anvil(ROOT / "contracts"), "anvil")
    port = free_port()
    options = ["--embedded"] if kind == "embedded" else []
    devnet = subprocess.Popen(
        [sys.executable, "-m", "chainrep", "devnet", "start", "--foreground",
         "--port", str(port), *options],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 (it only sets a signal)
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    wait_for_chain(url)
    devnet.send_signal(ending)
    told, _ = devnet.communicate(timeout=60)
    assert devnet.returncode == 0
    assert "Stopped." in told
    with pytest.raises(ChainUnreachable):
        connect(url)


class Devnet:
    """``chainrep devnet`` in one home on one port, in the folder where anvil is found."""

    def __init__(self, home):
        self.home = home
        self.port = str(free_port())
        self.environment = {"CHAINREP_HOME": str(home), "CHAINREP_RPC": "", "CHAINREP_KEY": ""}

    def run(self, *arguments):
        ran = CliRunner(env=self.environment).invoke(cli, arguments, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def read(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def start(self, *options):
        return self.read("devnet", "start", "--port", self.port, *options)


@pytest.fixture
def devnet(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    made = Devnet(tmp_path / "home")
    yield made
    made.run("devnet", "stop")


@pytest.fixture
def anvil(devnet):
    require_tool(find_anvil(ROOT / "contracts"), "anvil")
    return devnet


def test_a_stopped_chain_goes_on_where_it_was_and_a_reset_one_does_not(anvil):
    assert anvil.read("devnet", "status") == {"state": "none", "state_bytes": 0}
    first = anvil.start()
    assert (first["state"], first["kind"], first["new"]) == ("running", "anvil", True)
    assert first["deployed"] is True
    anvil.environment["CHAINREP_RPC"] = first["url"]
    assert anvil.read("source", "register", "https://kept.example")["id"] == 1

    again = anvil.start()
    assert (again["new"], again["deployed"], again["pid"]) == (False, False, first["pid"])
    assert "is running already" in anvil.run("devnet", "start", "--port", anvil.port)

    assert anvil.run("devnet", "stop") == "Stopped.\n"
    with pytest.raises(ChainUnreachable):
        connect(first["url"])
    stopped = anvil.read("devnet", "status")
    assert stopped["state"] == "stopped"
    assert stopped["state_bytes"] > 0
    assert anvil.run("devnet", "stop") == "No local chain was running.\n"

    second = anvil.start()
    assert (second["new"], second["deployed"]) == (True, False)
    assert (second["ledger"], second["block"]) == (first["ledger"], again["block"])
    assert [s["uri"] for s in anvil.read("source", "list")] == ["https://kept.example"]
    assert anvil.read("devnet", "status") | {"pid": 0} == {
        name: value for name, value in second.items() if name not in {"new", "deployed"}
    } | {"pid": 0}

    third = anvil.read("devnet", "reset")
    assert (third["new"], third["deployed"]) == (True, True)
    assert third["pid"] != second["pid"]
    assert anvil.read("source", "list") == []


def test_a_reset_of_a_stopped_chain_forgets_its_contracts_and_not_those_of_another(anvil):
    anvil.start()
    anvil.run("devnet", "stop")
    book = anvil.home / "deployments" / "31337.json"
    other = book.read_text().replace(json.loads(book.read_text())["genesis"], "0x" + "12" * 32)
    book.write_text(other)
    assert "Forgotten" in anvil.run("devnet", "reset")
    assert book.read_text() == other
    assert anvil.read("devnet", "status") == {"state": "none", "state_bytes": 0}
    assert sorted(p.name for p in (anvil.home / "devnet").iterdir()) == ["lock"]

    assert anvil.start()["deployed"] is True
    anvil.run("devnet", "stop")
    anvil.run("devnet", "reset")
    assert not book.exists()


def test_the_embedded_chain_runs_in_the_background_and_is_forgotten_when_it_stops(devnet):
    first = devnet.start("--embedded")
    assert (first["kind"], first["deployed"]) == ("embedded eth-tester", True)
    told = devnet.run("devnet", "start", "--port", devnet.port)
    assert "forgotten when it stops" in told
    assert f"export CHAINREP_RPC={first['url']}" in told
    assert devnet.run("devnet", "stop") == "Stopped.\n"
    with pytest.raises(ChainUnreachable):
        connect(first["url"])
    assert devnet.read("devnet", "status") == {
        "state": "stopped", "kind": "embedded eth-tester", "state_bytes": 0,
    }  # fmt: skip


def test_two_starts_at_once_make_one_chain(anvil):
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "chainrep", "devnet", "start", "--port", anvil.port, "--json"],
            cwd=ROOT, env={**os.environ, **anvil.environment}, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [json.loads(start.communicate(timeout=60)[0]) for start in starts]
    assert sorted(start["new"] for start in told) == [False, True]
    assert sorted(start["deployed"] for start in told) == [False, True]
    assert told[0]["pid"] == told[1]["pid"]


def test_a_chain_that_was_killed_is_told_apart_from_one_that_was_stopped(anvil):
    started = anvil.start()
    os.kill(started["pid"], signal.SIGKILL)
    while program_of(started["pid"]) is not None:  # a loaded machine takes a moment to bury it
        time.sleep(0.05)
    assert anvil.read("devnet", "status")["state"] == "died"
    assert anvil.run("devnet", "stop") == "No local chain was running.\n"
    assert anvil.read("devnet", "status")["state"] == "stopped"


def test_a_start_on_a_port_in_use_says_so_and_starts_nothing(devnet, embedded_url):
    with pytest.raises(ConfigError, match="is in use"):
        devnet.run("devnet", "start", "--port", embedded_url.rsplit(":", 1)[1])
    assert devnet.read("devnet", "status")["state"] == "none"


def test_a_damaged_record_is_named(devnet):
    record = devnet.home / "devnet" / "chain.json"
    record.parent.mkdir(parents=True)
    for text in [
        "{",
        "[]",
        "{}",
        '{"kind": "anvil", "port": "x", "program": null, "keeper": null}',
    ]:
        record.write_text(text)
        with pytest.raises(ConfigError, match=r"chain\.json cannot be read"):
            devnet.run("devnet", "status")
    record.unlink()
