"""The doctor finds what is not well, says what to do, and exits with 1."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from threading import Thread

import pytest
from click.testing import CliRunner

from chainrep.chain.address_book import save_deployment
from chainrep.chain.client import connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts, embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.keystore import new_key
from chainrep.chain.rpc_server import RpcServer
from chainrep.cli import machine_checks
from chainrep.cli.app import cli
from chainrep.store.db import open_store

WORD = "correct horse battery"


class Patient:
    def __init__(self, home, url):
        self.home = home
        self.url = url
        self.environment = {"CHAINREP_HOME": str(home), "CHAINREP_RPC": url, "CHAINREP_KEY": ""}

    def examine(self, *options):
        """Every finding by its check; the exit code has to agree with them."""
        runner = CliRunner(env=self.environment)
        ran = runner.invoke(cli, ["doctor", "--json", *options], catch_exceptions=False)
        findings = json.loads(ran.stdout)
        assert ran.exit_code == (0 if all(found["ok"] for found in findings) else 1)
        assert all(found["ok"] or found["remedy"] for found in findings)
        return {found["check"]: found for found in findings}

    def complaint(self, check, *options):
        """What is wrong and what to do, of the one check that is not well."""
        found = self.examine(*options)
        assert [name for name in found if not found[name]["ok"]] == [check]
        return found[check]["seen"] + " " + found[check]["remedy"]


def deploy(url):
    client = connect(url)
    members = [account.address for account in dev_accounts(3)]
    return deploy_contracts(client, dev_accounts(1)[0].private_key, members, 2)


@pytest.fixture(scope="module")
def chain():
    """A URL, and what is deployed there."""
    with RpcServer(EmbeddedProvider(embedded_chain())) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.url, deploy(server.url)
        server.shutdown()
        thread.join()


@pytest.fixture
def patient(tmp_path, chain):
    url, deployment = chain
    made = Patient(tmp_path / "home", url)
    made.deployment = deployment
    save_deployment(made.home / "deployments", deployment)
    return made


def test_all_is_well_after_a_deployment(patient):
    open_store(patient.home / "store.sqlite").close()
    found = patient.examine()
    assert all(finding["ok"] for finding in found.values())
    assert patient.deployment.score_ledger in found["deployment"]["seen"]
    assert "full batches" in found["account"]["seen"]
    assert found["store"]["seen"] == "0 pending, 0 in flight"


def test_the_command_exits_with_one_where_no_chain_answers(tmp_path):
    environment = {"CHAINREP_HOME": str(tmp_path), "CHAINREP_RPC": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-m", "chainrep", "doctor", "--json"],
        env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    last = json.loads(run.stdout)[-1]
    assert (last["check"], last["ok"]) == ("chain", False)
    assert "chainrep devnet start" in last["remedy"]


def test_another_chain_than_the_expected_one(patient):
    assert "not 5" in patient.complaint("chain", "--chain-id", "5")


def test_an_address_book_of_a_chain_that_began_anew(patient):
    folder = patient.home / "deployments"
    save_deployment(folder, replace(patient.deployment, genesis="0x" + "12" * 32))
    assert "this one began anew" in patient.complaint("deployment")


def test_an_address_book_of_other_chains_only(patient):
    folder = patient.home / "deployments"
    save_deployment(folder, replace(patient.deployment, chain_id=5))
    (folder / f"{patient.deployment.chain_id}.json").unlink()
    assert "known on chain 5, but" in patient.complaint("deployment")


def test_a_chain_without_the_contracts_and_one_with_other_contracts(patient):
    folder, known = patient.home / "deployments", patient.deployment
    nobody = dev_accounts(1)[0].address
    save_deployment(folder, replace(known, source_registry=nobody))
    assert f"no SourceRegistry at {nobody}" in patient.complaint("deployment")
    save_deployment(folder, replace(known, feedback_log=known.reputation_roots))
    told = patient.complaint("deployment")
    assert f"The FeedbackLog at {known.reputation_roots} is not the one of this chainrep" in told


def test_a_key_without_money_and_one_with_little(patient):
    payee = new_key(patient.home / "keys", "op", WORD, 2)
    told = patient.complaint("account", "--key", "op")
    assert f"{payee} has 0.000000 ETH: nothing to pay gas with" in told
    client = connect(patient.url)
    price = client.w3.eth.gas_price
    payer = dev_accounts(1)[0].private_key
    client.send({"to": payee, "value": 4 * 3_500_000 * price}, payer)
    patient.environment["CHAINREP_KEY"] = "op"
    told = patient.complaint("account")
    assert "full batches at" in told
    assert "Send it at least" in told
    client.send({"to": payee, "value": 10**18}, payer)
    assert patient.examine()["account"]["ok"]


def test_a_block_from_the_future(tmp_path, anvil_url):
    patient = Patient(tmp_path, anvil_url)
    save_deployment(tmp_path / "deployments", deploy(anvil_url))
    assert patient.examine()["clock"]["ok"]
    request = connect(anvil_url).w3.provider.make_request
    request("evm_increaseTime", [3_600])
    request("evm_mine", [])
    told = patient.complaint("clock")
    assert "s in the future" in told
    assert "Set this machine's clock" in told


def test_a_damaged_store(patient):
    path = patient.home / "store.sqlite"
    open_store(path).close()
    content = bytearray(path.read_bytes())
    content[-4096:-4032] = b"\xff" * 64  # the head of the last page
    path.write_bytes(content)
    assert "put back a" in patient.complaint("store")


def test_a_key_that_others_can_read_and_one_that_is_damaged(patient, tmp_path):
    new_key(patient.home / "keys", "op", WORD, 2)
    (patient.home / "keys" / "op.json").chmod(0o644)
    assert "chmod 600" in patient.complaint("keys")
    (patient.home / "keys" / "op.json").write_text("{")
    assert "not usable" in patient.complaint("keys")


def test_a_home_folder_that_others_can_look_into(patient):
    for mode in (0o755, 0o710):
        patient.home.chmod(mode)
        told = patient.complaint("home folder")
        assert told == f"Others on this machine may look into {patient.home}. " + (
            f"chmod 700 '{patient.home}'"
        )
    patient.home.chmod(0o700)
    assert patient.examine()["home folder"]["ok"]


def test_a_home_folder_that_is_still_to_be_made_may_lie_in_a_shared_one(patient, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    patient.environment["CHAINREP_HOME"] = str(tmp_path / "shared" / "home")
    assert patient.examine()["home folder"]["ok"]


def test_a_disk_that_is_nearly_full(patient, monkeypatch):
    monkeypatch.setattr(machine_checks, "LOW_DISK_BYTES", 2**60)  # more than this disk has free
    assert "Make room" in patient.complaint("disk space")
