"""`chainrep source serve`, as a program of its own, against a real chain."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from click.testing import CliRunner

from chainrep.chain.devnet import dev_accounts
from chainrep.cli.app import cli
from chainrep.config import read_config
from chainrep.errors import ChainrepError, ChainUnreachable, InputError, UnknownSource
from chainrep.protocol.source_receipt import SourceDomain
from chainrep.session import bind_session, deploy_new, published_committee
from rag.source.cli import read_rate
from rag.source.receipts import check_receipt, query_digest
from rag.source.wire import Query, dump_query, load_answer, load_metadata
from tests.rag.source.one_source import PASSAGES, SALT, write_file
from tests.tools import ROOT, serving

OWNER = dev_accounts(5)[4]


@pytest.fixture
def town(client, tmp_path):
    """A chain with our contracts and one source, and a corpus for it."""
    config = read_config(str(tmp_path / "home"))
    key = dev_accounts(1)[0].private_key
    deployment = deploy_new(config, client, key, published_committee(client))
    session = bind_session(config, client, deployment)
    session.registry.register("https://rivers.example", OWNER.private_key)
    write_file(tmp_path / "corpus.jsonl", PASSAGES)
    return session


@pytest.fixture
def url(client):
    with serving(client.w3.provider) as url:
        yield url


class Program:
    """The running command."""

    def __init__(self, home, url, corpus, *options):
        command = [
            sys.executable, "-m", "chainrep", "source", "serve", str(corpus), "--id", "1",
            "--port", "0", "--home", str(home), "--rpc", url, *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"CHAINREP_KEY": ""},
        )  # fmt: skip
        self.told = []
        for line in self.process.stdout:
            self.told.append(line)
            if line.startswith("It answers at "):
                break
        assert self.told, self.process.communicate(timeout=30)[1]
        self.url = self.told[-1].split()[3].rstrip(";")

    def health(self):
        return httpx.get(f"{self.url}/health", trust_env=False).json()

    def stop(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        assert "Traceback" not in err
        return self.process.returncode, out, err


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_source_is_served_searched_reloaded_stopped_and_started_again(town, url, tmp_path):
    home, corpus = tmp_path / "home", tmp_path / "corpus.jsonl"
    program = Program(home, url, corpus, "--name", "Rivers", "--price-wei", "7", "--watch", "0")
    told = "".join(program.told)
    assert "Source 1 (Rivers): 3 passages" in told
    assert f"signed by {OWNER.address}" in told
    assert "The registry sends clients to https://rivers.example." in told

    metadata = load_metadata(httpx.get(f"{program.url}/metadata", trust_env=False).content)
    assert (metadata.source, metadata.name, metadata.price_wei) == (1, "Rivers", 7)
    body = dump_query(Query("Where does the Danube begin?", 2, SALT))
    response = httpx.post(f"{program.url}/search", content=body, trust_env=False)
    passages, receipt = load_answer(response.content, 2)
    assert passages == PASSAGES[:1]
    deployment = town.deployment
    check_receipt(
        receipt,
        source=1,
        owner=town.registry.source(1).owner,
        query=query_digest(SALT, 2, "Where does the Danube begin?"),
        passages=passages,
        domain=SourceDomain(
            deployment.chain_id, deployment.source_registry, deployment.score_ledger
        ),
    )

    write_file(corpus, PASSAGES[:2])
    program.process.send_signal(signal.SIGHUP)
    until(lambda: program.health()["passages"] == 2)
    corpus.write_text("{")
    program.process.send_signal(signal.SIGHUP)
    until(lambda: program.health()["status"] == "old")
    code, out, err = program.stop(signal.SIGTERM)
    assert (code, out) == (0, "Stopped.\n")
    assert "a new corpus is served: 2 passages" in err
    assert str(corpus) in err

    write_file(corpus, PASSAGES[:2])
    (saved,) = [p for p in (home / "sources").glob("*/1/chainrep-index/*") if p.is_dir()]
    before = saved.stat().st_mtime_ns
    again = Program(home, url, corpus)
    assert saved.stat().st_mtime_ns == before
    assert "Another program is at work" in serve(home, url, corpus, "--id", "1").summary
    assert again.stop(signal.SIGINT)[:2] == (0, "Stopped.\n")


def serve(home, url, corpus, *options):
    arguments = ["source", "serve", str(corpus), "--home", str(home), "--rpc", url, *options]
    run = CliRunner().invoke(cli, arguments, standalone_mode=False, env={"CHAINREP_KEY": ""})
    assert isinstance(run.exception, ChainrepError), run.output
    return run.exception


def test_what_keeps_a_source_from_being_served_is_said_with_what_to_do(town, url, tmp_path):
    home, corpus = tmp_path / "home", tmp_path / "corpus.jsonl"
    other = serve(home, url, corpus, "--id", "1", "--account", "5")
    assert isinstance(other, InputError)
    assert OWNER.address in other.summary
    assert "--account" in other.remedy
    assert "chainrep source register" in other.remedy
    assert isinstance(serve(home, url, corpus, "--id", "2"), UnknownSource)
    assert "outside" in serve(home, url, corpus, "--id", "0").summary
    assert isinstance(serve(home, "http://127.0.0.1:9", corpus, "--id", "1"), ChainUnreachable)
    assert "no dataset" in serve(home, url, tmp_path / "none", "--id", "1").summary
    (tmp_path / "broken.jsonl").write_text("{")
    assert "malformed" in serve(home, url, tmp_path / "broken.jsonl", "--id", "1").summary
    for option, value, reason in (
        ("--rate", "often", "no rate"),
        ("--api-keys", str(tmp_path / "none"), "cannot be read"),
        ("--allow", "0x12", "no checksummed address"),
        ("--name", "a\nb", "name"),
        ("--trusted-proxy", "localhost", "no address"),
    ):
        assert reason in serve(home, url, corpus, "--id", "1", option, value).summary
    town.registry.retire(1, OWNER.private_key)
    assert "retired" in serve(home, url, corpus, "--id", "1").summary


def test_serve_is_among_the_commands_of_source_and_says_what_it_needs():
    assert "serve " in CliRunner().invoke(cli, ["source", "--help"]).output
    told = CliRunner().invoke(cli, ["source", "serve", "--help"]).output
    assert all(option in told for option in ("--id", "--api-keys", "--allow", "--rate", "--watch"))
    assert "--trusted-proxy ADDRESS" in told


@pytest.mark.parametrize(
    ("text", "rate"), [("10/s", 10.0), ("5", 5.0), ("300/m", 5.0), ("1800/h", 0.5), ("0.5/s", 0.5)]
)
def test_a_rate_is_read_per_second_minute_or_hour(text, rate):
    assert read_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", "-1/s", "1/d", "ten", "1e3", "٣", "10 /s", "1" * 99])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(InputError, match="no rate"):
        read_rate(text)
