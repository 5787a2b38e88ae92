"""A requester, two providers and three verifiers as programs of their own; one provider cheats."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from chainrep.cli.app import cli
from chainrep.config import Config
from chainrep.protocol.job_trail import JobVerdict, Phase, Vote
from chainrep.session import deploy_locally, open_session
from rag.loaders import demo_dataset
from rag.lsh.calibration_file import write_calibration
from rag.lsh.honest_runs import Plan, calibrate_machine
from rag.lsh.small_llama import build_small_llama
from tests.tools import ROOT

ACCOUNTS = dev_accounts(10)
REQUESTER, HONEST, CHEAT, VERIFIERS = 0, 4, 5, (6, 7, 8)
PATIENCE = 120.0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small model and what honest runs of it differ by: two files."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    texts = ["\n".join(dict.fromkeys(passage.text for passage in demo_dataset().passages))]
    folder = tmp_path_factory.mktemp("trained")
    model = build_small_llama(folder / "model", texts, steps=60)
    plan = Plan(answers=128, tokens=64, bound=0.05, sums=(), attacks=("int8",), batches=(32,))
    write_calibration(calibrate_machine(model, texts, plan), folder / "calibration.json")
    torch.set_num_threads(before)
    return model, folder / "calibration.json"


class Programs:
    """Everybody's processes on one chain, each key with a home folder of its own."""

    def __init__(self, url, folder, trained):
        self.url, self.folder = url, folder
        model, calibration = trained
        self.model = ["--model", str(model), "--calibration", str(calibration)]
        self.urls, self.running = {}, {}
        config = Config(folder / "shared", url, None)
        deploy_locally(config, connect(url))  # as `devnet start` does: appeals of 20 s, not a day
        self.session = open_session(config)

    def environment(self, home):
        path = self.folder / home
        if not path.exists():
            path.mkdir()
            (path / "deployments").symlink_to(self.folder / "shared" / "deployments")
        return os.environ | {"CHAINREP_HOME": str(path), "CHAINREP_RPC": self.url}

    def run(self, *arguments):
        """A command of the requester's, in this process: the others are programs of their own."""
        environment = self.environment("requester")
        return CliRunner(env=environment).invoke(cli, arguments, standalone_mode=False)

    def start(self, account, *command):
        home = f"account{account}"
        options = [*self.model, "--threads", "1", "--published-account", str(account)]
        with (self.folder / f"{home}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command, *options],
                cwd=ROOT, env=self.environment(home), stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.running[account] = process
        return process

    def serve(self):
        self.start(HONEST, "chainrep", "jobs", "serve", "--port", "0")
        self.start(CHEAT, "rag.jobs.cheating_provider", "--attack", "int8")
        for account in (HONEST, CHEAT):
            words = self.running[account].stdout.readline()
            url = words.split(" answers at ")[1].split(";")[0]
            self.urls[account] = f"{ACCOUNTS[account].address}={url}"

    def verify(self, *accounts):
        named = [f"--provider={url}" for url in self.urls.values()]
        for account in accounts:
            self.start(account, "chainrep", "jobs", "verify", *named)
        for account in accounts:
            assert " holds seats: " in self.running[account].stdout.readline()

    def end(self, account, number=signal.SIGTERM):
        process = self.running.pop(account)
        process.send_signal(number)
        process.wait(60)
        process.stdout.close()

    def request(self, account):
        """Ask a provider; what `jobs request --json` printed."""
        done = self.run(
            "jobs", "request", "--provider", self.urls[account], *self.model,
            "--prompt", "The first ship that", "--max-tokens", "96", "--price", "0.01",
            "--out", str(self.folder / f"receipt{account}.json"), "--json",
        )  # fmt: skip
        assert done.exception is None, done.exception
        return json.loads(done.stdout)

    def until(self, job, reached):
        """The job as soon as it is as wanted."""
        reader = self.session.job_reader()
        deadline = time.monotonic() + PATIENCE
        while not reached(found := reader.read(job)):
            assert time.monotonic() < deadline, f"{found}\n{self.logs()}"
            time.sleep(0.2)
        return found

    def logs(self):
        return "\n".join(path.read_text()[-2000:] for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
def programs(anvil_url, tmp_path, trained):
    found = Programs(anvil_url, tmp_path, trained)
    try:
        yield found
    finally:
        for process in found.running.values():
            process.terminate()
        for account in list(found.running):
            found.end(account)


def test_an_honest_answer_is_paid_a_cheaper_model_is_not_and_a_killed_verifier_still_opens(
    programs,
):
    programs.serve()
    programs.verify(*VERIFIERS)
    late, killed = VERIFIERS[2], VERIFIERS[0]
    programs.end(late)
    answer = programs.request(HONEST)
    assert answer["tokens"] > 32
    job = int(answer["job"], 16)

    def place_of(found, account):
        owners = [programs.session.jobs().seat(seat).owner for seat in found.drawn.panel]
        return owners.index(ACCOUNTS[account].address)

    def has_sealed(found, account):
        places = {entry.place for entry in found.sealed}
        return found.phase is Phase.DRAWN and place_of(found, account) in places

    programs.until(job, lambda found: has_sealed(found, killed))
    programs.end(killed, signal.SIGKILL)
    programs.verify(late)
    opened = programs.until(job, lambda found: len(found.opened) == 2)
    assert place_of(opened, killed) not in {ballot.place for ballot in opened.opened}
    programs.verify(killed)
    cheat = int(programs.request(CHEAT)["job"], 16)

    honest = programs.until(job, lambda found: found.outcome)
    assert honest.outcome.verdict is JobVerdict.ACCEPTED
    # Calibration rejects one honest leaf in sixty: then a second leaf settles it.
    assert honest.past[-1].votes == (Vote.MATCH,) * 3
    assert all(len(set(ended.votes)) == 1 for ended in honest.past)
    conditions = honest.terms.conditions
    assert honest.outcome.to_provider == conditions.price + conditions.bond

    caught = programs.until(cheat, lambda found: found.outcome)
    assert caught.outcome.verdict is JobVerdict.REJECTED
    assert len({ended.leaf for ended in caught.past}) == 2
    assert caught.outcome.to_provider == 0
    assert caught.outcome.to_requester > caught.terms.conditions.bond

    shown = json.loads(programs.run("jobs", "show", f"0x{cheat:064x}", "--json").stdout)
    assert shown["verdict"] == "rejected"
    for account, code, verdict in ((HONEST, 0, "match"), (CHEAT, 1, "mismatch")):
        receipt = str(programs.folder / f"receipt{account}.json")
        found = programs.run(
            "verify", receipt, *programs.model, "--max-tokens", "96", "--threads", "1", "--json"
        )
        assert (found.return_value or 0, json.loads(found.stdout)["verdict"]) == (code, verdict)

    owners = {ACCOUNTS[account].address: account for account in VERIFIERS}
    account = owners[programs.session.jobs().seat(1).owner]
    assert "left" in programs.run("jobs", "leave", "1", f"--published-account={account}").stdout
    assert programs.session.jobs().seat(1).free_at > 0
