"""``chainrep ask`` against sources on disk and scores on a chain."""

import json
import os
import re
import subprocess
import sys

import pytest

from chainrep.chain.address_book import save_deployment
from chainrep.chain.client import connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session
from tests.tools import ROOT

CLAIMS = {1: "1889", 2: "1921", 3: "1921"}


@pytest.fixture
def prepared(tmp_path, embedded_url):
    """Three sources: the first was right five times, the two who agree on a lie were wrong."""
    client = connect(embedded_url)
    accounts = dev_accounts(10)
    members = [accounts[i].address for i in COMMITTEE]
    deployment = deploy_contracts(client, accounts[OWNER].private_key, members, THRESHOLD)
    config = Config(tmp_path, embedded_url, None)
    save_deployment(config.deployments, deployment)
    session = bind_session(config, client, deployment)
    outbox = session.outbox()
    for source, year in CLAIMS.items():
        session.registry.register(f"https://{source}.example", accounts[4].private_key)
        folder = tmp_path / f"corpus{source}"
        folder.mkdir()
        (folder / "towers.md").write_text(
            f"The Eiffel Tower was completed in {year}. It stands in Paris.\n"
        )
        right, wrong = (100, 0) if source == 1 else (0, 100)
        for i in range(5):
            outbox.put(
                Feedback(
                    f"{source}/{i}", source, FeedbackKind.GOLD, bytes(32), right, wrong, 0, 100, 1
                )
            )
    list(session.relayer(outbox).flush())
    listing = [{"id": source, "corpus": f"corpus{source}"} for source in CLAIMS]
    (tmp_path / "sources.json").write_text(json.dumps(listing))
    return tmp_path, embedded_url


def ask(home, url, *options):
    return subprocess.run(
        [sys.executable, "-m", "chainrep", "ask", "When was the Eiffel Tower completed?",
         "--sources", str(home / "sources.json"), *options],
        env={**os.environ, "CHAINREP_HOME": str(home), "CHAINREP_RPC": url},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_reliable_source_is_believed_against_a_majority_of_liars(prepared):
    run = ask(*prepared, "--json")
    assert run.returncode == 0, run.stderr
    reply = json.loads(run.stdout)
    assert reply["answer"] == "1889"
    weights = {vote["source"]: vote["weight"] for vote in reply["votes"]}
    assert weights[1] > weights[2] + weights[3]
    assert [vote["source"] for vote in reply["votes"] if vote["won"]] == [1]
    assert "completed in 1889" in reply["votes"][0]["passage"]


def test_people_see_who_said_what(prepared):
    run = ask(*prepared)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("1889\n")
    assert "1921" in run.stdout


def test_a_listed_source_that_is_not_registered_is_named(prepared):
    home, url = prepared
    (home / "sources.json").write_text('[{"id": 9, "corpus": "corpus1"}]')
    run = ask(home, url)
    assert run.returncode == 1
    assert "No source had the id 9" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_readme_example_runs_as_it_stands(prepared):
    home, url = prepared
    (home / "corpus1").rename(home / "handbook")
    line = {
        "question": "In what year was the bridge opened?",
        "answers": ["1932"],
        "passages": ["The bridge was opened in 1932."],
    }
    (home / "wiki.jsonl").write_text(json.dumps(line) + "\n")
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(example.splitlines()) <= 10
    run = subprocess.run(
        [sys.executable, "-c", example.replace("http://127.0.0.1:8545", url)],
        cwd=home, env={**os.environ, "CHAINREP_HOME": str(home)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "1932" in run.stdout
