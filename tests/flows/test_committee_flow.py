"""Three reporters on machines of their own, two of whom must sign; one of them dies."""

import json
import os
import signal
import subprocess
import sys

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.errors import SignatureError
from chainrep.node.quorum import Quorum
from chainrep.node.remote_signer import RemoteSigner
from chainrep.protocol.evidence import evidence_tree, sum_updates
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.protocol.types import Report
from chainrep.session import open_session
from tests.tools import ROOT

ACCOUNTS = dev_accounts(4)
COORDINATOR = ACCOUNTS[0].address


class Members:
    """One process each, with a home folder of its own."""

    def __init__(self, rpc, deployments, tmp_path):
        self.processes, self.urls = [], {}
        for i in (1, 2, 3):
            home = tmp_path / f"member{i}"
            home.mkdir()
            (home / "deployments").symlink_to(deployments)
            command = [
                sys.executable, "-m", "chainrep", "committee", "serve", "--port", "0",
                "--coordinator", COORDINATOR, "--published-account", str(i), "--confirmations", "1",
                "--home", str(home), "--rpc", rpc,
            ]  # fmt: skip
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            )
        for account, process in zip(ACCOUNTS[1:], self.processes, strict=True):
            line = process.stdout.readline()
            self.urls[account.address] = line.split(" answers at ")[1].split(";")[0]

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)
            process.stdout.close()


def chainrep(home, rpc, *arguments):
    environment = os.environ | {"CHAINREP_HOME": str(home), "CHAINREP_RPC": rpc}
    done = subprocess.run(
        [sys.executable, "-m", "chainrep", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def count_again(home, rpc, urls):
    """What a lying coordinator would try: the same evidence once more, under the next nonce."""
    session = open_session(Config(home, rpc, None))
    session.registry.register("https://b.example", ACCOUNTS[0].private_key)  # one more block
    (kept,) = (home / "evidence").rglob("*.json")
    records, committee = parse_evidence(kept.read_bytes()), session.ledger.committee()
    report = Report(
        committee=committee.version,
        nonce=committee.next_nonce,
        deadline=session.client.now() + 600,
        evidence_root=evidence_tree(records).root,
        updates=session.ledger.pack(sum_updates(records)),
    )
    key, domain = ACCOUNTS[0].private_key, session.ledger.domain
    signers = [RemoteSigner(url, address, domain, key) for address, url in urls.items()]
    Quorum(domain, signers).sign(report, records, committee)


@pytest.fixture
def home(anvil_url, tmp_path):
    home = tmp_path / "relayer"
    for arguments in (
        ["deploy"],
        ["source", "register", "https://a.example"],
        ["feedback", "add", "--source", "1", "--supported", "1"],
    ):
        assert chainrep(home, anvil_url, *arguments).returncode == 0
    return home


def test_two_of_three_members_carry_a_batch_though_one_is_dead(home, anvil_url, tmp_path):
    members = Members(anvil_url, home / "deployments", tmp_path)
    try:
        members.processes[0].kill()
        members.processes[0].wait(60)
        options = [f"--member={address}={url}" for address, url in members.urls.items()]

        one = chainrep(home, anvil_url, "feedback", "flush", options[1])
        assert one.returncode == 1
        assert "1 of the 2 signatures needed" in one.stderr

        done = chainrep(home, anvil_url, "feedback", "flush", "--json", *options)
        assert done.returncode == 0, done.stderr
        assert [batch["updates"] for batch in json.loads(done.stdout)["batches"]] == [1]

        audit = chainrep(home, anvil_url, "feedback", "audit", "all", "--json")
        assert audit.returncode == 0, audit.stdout

        with pytest.raises(SignatureError, match="0 of the 2 signatures needed") as caught:
            count_again(home, anvil_url, members.urls)
        assert "has been applied already, under nonce 1" in caught.value.summary
    finally:
        members.stop()
