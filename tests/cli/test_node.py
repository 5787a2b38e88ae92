"""`chainrep node`: what it refuses, how it stops, and what `node status` says of it."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Thread

import click
import httpx
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from chainrep.chain.client import Client
from chainrep.chain.devnet import dev_accounts
from chainrep.cli.amount import ETHER, GWEI, read_amount
from chainrep.cli.app import cli
from chainrep.cli.node_health import MAX_BYTES
from chainrep.cli.running_node import RelayPlan, relay_part
from chainrep.config import read_config
from chainrep.errors import ChainrepError, ChainUnreachable, ConfigError, InputError
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.indexer import Indexer
from chainrep.service.metrics import NodeMetrics
from chainrep.service.server import HttpServer
from chainrep.session import deploy_new, published_committee
from tests.fakes.rpc_proxy import RpcProxy
from tests.tools import ROOT, free_port, interruptible, serving

HEALTHY = {
    "status": "ok",
    "problems": [],
    "parts": {
        "relayer": {"doing": "running", "silent_for": 1.5, "failures": 0, "failure": ""},
    },
    "index": {"block": 7, "head": 9},
    "outbox": {"pending": 3, "open_batches": 1, "waits_for": "2 more confirmations"},
}


@pytest.fixture
def home(client, tmp_path):
    config = read_config(str(tmp_path / "home"))
    deploy_new(config, client, dev_accounts(1)[0].private_key, published_committee(client))
    return tmp_path / "home"


@pytest.fixture
def url(client):
    with serving(client.w3.provider) as url:
        yield url


@pytest.fixture
def own_process():
    """`node run` in this program changes signals and logs, which are put back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    root = logging.getLogger()
    logs, level = root.handlers[:], root.level
    yield
    root.handlers[:] = logs
    root.setLevel(level)
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def invoke(*arguments):
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)


def node_run(home, url, *options):
    return invoke("node", "run", "--home", str(home), "--rpc", url, "--port", "0", *options)


def log_of(path, text, seconds=120.0):
    """The first logged line with this text, once it is there."""
    deadline = time.monotonic() + seconds
    while True:
        for line in path.read_text().splitlines():
            if text in line:
                return line
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.05)


@contextmanager
def running_node(home, url, log, *options):
    command = [sys.executable, "-m", "chainrep", "node", "run", "--home", str(home), "--rpc", url]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", "0", *options], cwd=ROOT, stderr=errors,
            preexec_fn=interruptible,  # noqa: PLW1509 (it only sets a signal)
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


@contextmanager
def answering(content, status=200):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    app = Starlette(routes=[Route("/healthz", lambda _: Response(body, status))])
    with HttpServer(app) as server:
        yield server.url


@pytest.mark.parametrize(
    ("text", "digits", "wei"),
    [
        ("1", ETHER, 10**18),
        ("0.1", ETHER, 10**17),
        ("0.000000000000000001", ETHER, 1),
        ("123456789.123456789", GWEI, 123_456_789_123_456_789),
        ("30", GWEI, 30 * 10**9),
    ],
)
def test_money_is_read_to_the_last_wei(text, digits, wei):
    assert read_amount("--max-fee", text, digits) == wei


@pytest.mark.parametrize(
    "text", ["0", "0.0", "-1", "1e3", "1.", ".5", "1,5", "nan", "٣", "0.0000000001", "1" * 40, ""]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InputError, match="--max-fee"):
        read_amount("--max-fee", text, GWEI)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--max-fee", "cheap"], InputError),
        (["--daily-budget", "-1"], InputError),
        (["--member", "0x12=http://a.example"], InputError),
        (["--flush-at", "0"], click.BadParameter),
        (["--confirmations", "0"], click.BadParameter),
        (["--log-format", "xml"], click.BadParameter),
    ],
)
def test_options_that_make_no_sense_are_refused_before_a_chain_is_asked(tmp_path, options, error):
    with pytest.raises(error):
        node_run(tmp_path, "http://127.0.0.1:9", *options)


def test_a_port_that_is_taken_is_told_before_anything_is_sent(home, url, own_process):
    with answering(HEALTHY) as taken, pytest.raises(ConfigError, match="Nothing can listen"):
        node_run(home, url, "--port", taken.rpartition(":")[2])


def test_a_part_that_breaks_down_takes_the_node_with_it(home, url, own_process, monkeypatch):
    def surprise(indexer):
        raise KeyError("nobody expected this")

    monkeypatch.setattr(Indexer, "step", surprise)
    with pytest.raises(ChainrepError, match="broke down \\(KeyError\\)") as caught:
        node_run(home, url, "--no-relay", "--log-format", "json")
    assert caught.value.exit_code == 1


def test_without_a_relay_no_key_is_needed_and_ctrl_c_ends_it_well(home, url, tmp_path):
    log = tmp_path / "log.txt"
    with running_node(home, url, log, "--no-relay", "--key", "not-there") as process:
        address = log_of(log, "node answers").split("url=")[1].split()[0]
        log_of(log, "INFO indexer events indexed")
        health = httpx.get(f"{address}/healthz", trust_env=False)
        assert health.status_code == 200
        assert list(health.json()["parts"]) == ["indexer"]
        shown = invoke("node", "status", "--url", address)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert "The node is ok" in shown.stdout
    assert "index block:" in shown.stdout
    assert log.read_text().splitlines()[-1].endswith("INFO node stopped")


def test_a_second_signal_stops_it_at_once(home, url, tmp_path):
    log = tmp_path / "log.txt"
    with RpcProxy(url) as proxy, running_node(home, proxy.url, log) as process:
        log_of(log, "events indexed")
        proxy.fail(delay=120.0)
        asked = proxy.count()
        while proxy.count() == asked:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        log_of(log, "node stops")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM


def test_a_signal_ends_it_and_what_is_left_is_told(home, url, own_process):
    port = free_port()

    def end_when_it_works():
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                health = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).json()
                if health.get("outbox") and health.get("index"):
                    break
            time.sleep(0.05)
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            os.kill(os.getpid(), signal.SIGTERM)

    ending = Thread(target=end_when_it_works)
    ending.start()
    done = node_run(
        home, url, "--max-fee", "0.5", "--daily-budget", "0.01", "--half-life", "1",
        "--max-updates", "10", "--max-age", "60", "--block-seconds", "2", "--log-format", "json",
        "--port", str(port),
    )  # fmt: skip
    ending.join(60)
    assert done.exit_code == 0
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert told[0]["message"] == "node answers"
    assert (told[-1]["message"], told[-1]["pending"]) == ("node stopped", 0)


def test_a_balance_that_cannot_be_had_is_no_failure_of_the_relayer(session, monkeypatch, caplog):
    policy = FlushPolicy(flush_at=1)
    plan = RelayPlan(dev_accounts(1)[0].private_key, {}, 1, policy)
    assert plan.sender_key.hex() not in repr(plan)
    assert str(plan.sender_key) not in repr(plan)
    metrics, failures = NodeMetrics(), [ChainUnreachable("No chain answers.")]

    def balance(client, address):
        if failures:
            raise failures.pop()
        return 7

    monkeypatch.setattr(Client, "balance", balance)
    for expected in (None, 7):
        relayer = relay_part(session, plan, metrics).open()
        assert relayer.step() is True
        relayer.close()
        assert metrics.balance == expected
    assert "balance is not known: No chain answers." in caplog.text


def test_status_shows_a_well_node_as_a_table_or_as_json():
    with answering(HEALTHY) as url:
        shown, told = invoke("node", "status", "--url", url), invoke(
            "node", "status", "--url", url, "--json"
        )  # fmt: skip
    assert (shown.return_value, told.return_value) == (None, None)
    assert "running" in shown.stdout
    assert "outbox waits for: 2 more confirmations" in shown.stdout
    assert json.loads(told.stdout) == HEALTHY


def test_status_of_an_unwell_node_is_a_failure():
    unwell = HEALTHY | {"status": "unwell", "problems": ["The relayer has stopped."]}
    with answering(unwell, 503) as url:
        run = invoke("node", "status", "--url", url)
    assert run.return_value == 1
    assert "The relayer has stopped." in run.stderr


def test_status_of_no_node_says_so():
    with pytest.raises(ConfigError, match="No node answers"):
        invoke("node", "status", "--url", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="--url"):
        invoke("node", "status", "--url", "ftp://a.example")


@pytest.mark.parametrize(
    "content",
    [b"hello", b"[]", b"{}", b"x" * (MAX_BYTES + 1), b'{"status": 1, "problems": 1, "parts": 1}',
     b'{"status": "ok", "problems": [], "parts": {"relayer": 1}}', b"[" * 60_000],
)  # fmt: skip
def test_status_takes_no_other_server_for_a_node(content):
    with answering(content) as url, pytest.raises(ConfigError, match="is no node"):
        invoke("node", "status", "--url", url)


def test_status_lets_no_server_speak_to_the_terminal():
    hostile = HEALTHY | {"status": "ok\x1b[2J", "problems": ["\x1b[2J"]}
    with answering(hostile) as url:
        run = invoke("node", "status", "--url", url)
    assert "\x1b[2J" not in run.stdout + run.stderr
    assert run.return_value == 1
