"""``chainrep ask`` against sources on disk and scores on a chain."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrep.chain.address_book import save_deployment
from chainrep.chain.client import connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.errors import InputError, StoreError
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.service.server import HttpServer
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session
from chainrep.store.sole_use import sole_use
from rag.ask_cli import ask as command
from rag.endpoint_key import endpoint_key
from rag.errors import StateError
from rag.generators.causal import CausalGenerator
from rag.loaders import load_dataset
from rag.probe_bank import read_bank
from rag.probe_record import ProbeRecord, new_record, read_record, write_record
from rag.probes_cli import probes
from rag.probing import RATE
from rag.reading_options import Reading
from rag.scoring.gold_probes import BATCH, Opened, Probe, ProbeSchedule, Reveal, opens
from rag.state.file import read_state
from tests.rag.completion_server import KEY, serving
from tests.tools import ROOT, lines

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


def test_what_was_seen_here_is_kept_and_probes_are_asked_unseen_under_a_promise(prepared):
    home, url = prepared
    line = {"question": "When was the Eiffel Tower completed?", "answers": ["1889"]}
    bank = [{**line, "question": f"{line['question'][:-1]}, asks number {n}?"} for n in range(64)]
    (home / "bank.jsonl").write_text("\n".join(json.dumps(each) for each in bank))
    options = ("--probes", str(home / "bank.jsonl"), "--router", "neighbours", "--json")
    runs = [ask(home, url, *options) for _ in range(2)]
    assert [run.returncode for run in runs] == [0, 0], runs[-1].stderr
    replies = [json.loads(run.stdout) for run in runs]
    assert [reply["answer"] for reply in replies] == ["1889", "1889"]
    assert replies[0]["probes"] == replies[1]["probes"], "one promise for all of a batch"
    (folder,) = (home / "trust").iterdir()
    assert {each.name for each in folder.iterdir()} == {
        ".lock", "ledgers", "probes", "router-neighbours",
    }  # fmt: skip
    kept = (folder.parent, folder, *folder.iterdir())
    assert all(each.stat().st_mode & 0o077 == 0 for each in kept)
    told = CliRunner(env={"CHAINREP_HOME": str(home)}).invoke(probes, ["show", "--json"])
    (shown,) = json.loads(told.stdout)
    assert (shown["ledger"], shown["over"]) == (folder.name, [])
    assert {key: shown[key] for key in ("batch", "commitment")} == replies[0]["probes"]


def test_batches_that_are_over_are_shown_with_what_opens_them(tmp_path):
    bank = [Probe(f"Question {n}?", ("so", "or so")) for n in range(40)]
    first = new_record(0.05).promised(bank)
    batches = (replace(first.batches[0], asked=3),)
    record = replace(first, number=BATCH, asked=3, batches=batches).promised(bank)
    folder = tmp_path / "trust" / "ledger"
    folder.mkdir(parents=True)
    write_record(folder / "probes", record)
    run = CliRunner(env={"CHAINREP_HOME": str(tmp_path), "COLUMNS": "200"})
    (shown,) = json.loads(run.invoke(probes, ["show", "--json"]).stdout)
    (over,) = shown["over"]
    asked = tuple(
        Opened(Probe(a["question"], tuple(a["answers"])), unhex(a["salt"])) for a in over["asked"]
    )
    unasked = tuple(map(unhex, over["unasked"]))
    reveal = Reveal(0, asked, unasked, unhex(over["seed"]), over["rate"], unhex(over["salt"]))
    assert opens(reveal, unhex(over["commitment"]))
    assert (len(asked), len(unasked)) == (3, 29)
    assert shown["commitment"] == "0x" + record.commitment(1).hex()
    listed = run.invoke(probes, ["show"]).stdout
    assert all("0x" + record.commitment(n).hex() in listed for n in (0, 1))
    opened = run.invoke(probes, ["show", "--batch", "0"]).stdout
    assert asked[0].probe.question in opened
    assert over["seed"] in opened
    assert "Batch 1 is not over" in str(run.invoke(probes, ["show", "--batch", "1"]).exception)
    empty = CliRunner(env={"CHAINREP_HOME": str(tmp_path / "none")}).invoke(probes, ["show"])
    assert "No probe was promised yet" in empty.stdout


@pytest.mark.parametrize(
    ("stop", "options"),
    [(KeyboardInterrupt(), ()), (RuntimeError("a reader that fails"), ("--json",))],
)
def test_who_is_stopped_in_the_probe_behind_a_question_has_the_answer_and_its_lesson(
    prepared, monkeypatch, stop, options
):
    home, _ = prepared
    assert ask_here(*prepared).exit_code == 0
    (folder,) = (home / "trust").iterdir()
    before = questions_learned(folder)
    bank = write_due_probe(home, folder)
    monkeypatch.setattr("secrets.randbelow", lambda _: 1)  # the probe comes behind

    def stopped(*_):
        raise stop

    monkeypatch.setattr("rag.pipeline.Pipeline.judge", stopped)
    run = ask_here(*prepared, "--probes", str(bank), *options)
    assert run.exit_code == 1
    shown = json.loads(run.stdout)["answer"] if options else run.stdout.splitlines()[0]
    assert shown == "1889"
    assert read_record(folder / "probes").asked == 1
    assert questions_learned(folder) == before + 1


@pytest.mark.parametrize(
    ("options", "told"), [(("--json",), ""), ((), ""), ((), "The output cannot be written (No sp")]
)
def test_who_reads_only_the_head_of_an_answer_loses_no_lesson_and_no_probe(prepared, options, told):
    home, url = prepared
    assert ask_here(*prepared).exit_code == 0
    (folder,) = (home / "trust").iterdir()
    before = questions_learned(folder)
    bank = write_due_probe(home, folder)
    behind = "import secrets, chainrep.cli.app as app; secrets.randbelow = lambda _: 1; app.main()"
    reader, writer = os.pipe()
    os.close(reader)  # as `| head` does, or the disk of a file is full
    with Path("/dev/full").open("w") as full, os.fdopen(writer, "w") as closed:
        run = subprocess.run(
            [sys.executable, "-c", behind, "ask", "When was the Eiffel Tower completed?",
             "--sources", str(home / "sources.json"), "--probes", str(bank), *options],
            env={**os.environ, "CHAINREP_HOME": str(home), "CHAINREP_RPC": url},
            stdout=full if told else closed, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "Exception" not in run.stderr
    assert ("Error: " + told in run.stderr) if told else "Error" not in run.stderr
    assert read_record(folder / "probes").asked == 1
    assert questions_learned(folder) == before + 2, "the question's lesson and the probe's"


def write_due_probe(home, folder):
    """A bank of one probe, and a record by which the next question has it beside it."""
    path = home / "bank.jsonl"
    line = {"question": "When was the Eiffel Tower completed, please?", "answers": ["1889"]}
    path.write_text(json.dumps(line))
    tried = (bytes([n]) * 32 for n in range(256))
    secret = next(s for s in tried if ProbeSchedule(RATE, s).next_is_probe())
    write_record(folder / "probes", ProbeRecord(secret, RATE).promised(read_bank(path)))
    return path


def test_a_router_that_is_never_taught_is_told_of(prepared):
    told = "The router linucb learns from probes alone: give --probes FILE as well."
    assert told in ask_here(*prepared, "--router", "linucb").stderr
    (prepared[0] / "bank.jsonl").write_text('{"question": "Who?", "answers": ["Me"]}')
    bank = ("--probes", str(prepared[0] / "bank.jsonl"))
    assert "from probes alone" not in ask_here(*prepared, "--router", "linucb", *bank).stderr
    assert "from probes alone" not in ask_here(*prepared).stderr


def test_a_key_for_a_source_that_is_not_there_is_told_of(prepared):
    home, url = prepared
    owner = dev_accounts(5)[4].address
    (home / "keys.txt").write_text(
        f"1 {owner} 0123456789abcdef\n9 {owner} 0123456789abcdeg\n12 {owner} 0123456789abcdeh\n"
    )
    run = CliRunner(env={"CHAINREP_HOME": str(home), "CHAINREP_RPC": url}).invoke(
        command, ["Who?", "--registered", "--api-keys", str(home / "keys.txt")]
    )
    assert run.exit_code == 0, run.output
    assert "An API key is given for 9, 12, but no such source is there to ask" in run.stderr
    assert "0123456789" not in run.output + run.stderr


@pytest.mark.parametrize("place", ["trust", "trust/ledger"])
def test_a_file_in_the_way_of_what_is_learned_is_told_in_a_sentence(prepared, place):
    trust = prepared[0] / "trust"
    if place == "trust":
        trust.write_text("in the way")
    else:
        assert ask_here(*prepared).exit_code == 0
        (folder,) = trust.iterdir()
        folder.rename(prepared[0] / "elsewhere")
        folder.write_text("in the way")
    run = ask_here(*prepared)
    assert run.exit_code == 1
    assert isinstance(run.exception, StoreError)
    assert "cannot be used" in str(run.exception)
    assert "(Not a directory)" in str(run.exception)


def questions_learned(folder):
    _, arrays = read_state(folder / "ledgers")
    return int(arrays["since"][0])


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def test_an_answer_is_shown_with_its_certificate_also_where_nothing_can_be_kept(
    prepared, monkeypatch
):
    monkeypatch.setattr("rag.pipeline.Pipeline.save", full)
    run = ask_here(*prepared)
    assert run.exit_code == 0, run.output
    assert "of those asked" in run.stdout
    assert "What was learned is lost: The disk is full. Make room." in run.stderr
    run = ask_here(*prepared, "--json")
    reply = json.loads(run.stdout)
    assert type(reply["certified"]) is int
    assert reply["key"]
    assert sum(vote["credit"] for vote in reply["votes"]) > 0.0


def full(*_):
    raise StateError("The disk is full.", "Make room.")


def test_a_second_run_waits_and_then_says_who_is_in_the_way(prepared, monkeypatch):
    monkeypatch.setattr("rag.ask_cli.WAIT_SECONDS", 0.3)
    assert ask_here(*prepared).exit_code == 0
    (folder,) = (prepared[0] / "trust").iterdir()
    with sole_use(folder, ""):
        run = ask_here(*prepared)
    assert run.exit_code == 1
    assert "Another program is at work" in str(run.exception)


def ask_here(home, url, *options):
    """The command within this process, which has a model loaded already."""
    return CliRunner(env={"CHAINREP_HOME": str(home), "CHAINREP_RPC": url}).invoke(
        command,
        ["When was the Eiffel Tower completed?", "--sources", str(home / "sources.json"), *options],
    )


@pytest.fixture
def answering(small_llama, monkeypatch):
    """The small model knows little: a template that begins its answer makes it say words."""
    template = "{% for m in messages %}{{ m.content }}{% endfor %} Lake Baikal is"
    monkeypatch.setattr(small_llama.tokenizer, "chat_template", template)
    return small_llama


def test_a_model_behind_an_endpoint_reads(prepared, answering, monkeypatch):
    monkeypatch.setenv("CHAINREP_ENDPOINT_KEY", KEY)  # nobody looks for it there
    with HttpServer(serving(answering, chat_key=KEY)) as server:
        options = ("--generator", "endpoint", "--endpoint-url", server.url, "--model", "small")
        with lines(KEY) as key:
            run = ask_here(*prepared, *options, "--endpoint-key-fd", key, "--json")
        refused = ask_here(*prepared, *options)
    assert run.exit_code == 0, run.stderr
    reply = json.loads(run.stdout)
    sets = [load_dataset(prepared[0] / f"corpus{source}").passages for source in CLAIMS]
    said = CausalGenerator(answering).answer("When was the Eiffel Tower completed?", sets)
    assert any(said)
    assert {vote["answer"] for vote in reply["votes"]} == set(said) - {None}
    assert refused.exit_code == 1
    assert "status 401" in str(refused.exception)
    assert KEY not in run.output + refused.output + str(refused.exception)


def test_a_model_from_a_folder_reads_and_one_of_inference_groups(prepared, small_llama_folder):
    run = ask_here(*prepared, "--generator", "causal", "--model", str(small_llama_folder), "--json")
    assert run.exit_code == 0, run.stderr
    reply = json.loads(run.stdout)
    assert len(reply["votes"]) + len(reply["silent"]) == len(CLAIMS)
    run = ask_here(*prepared, "--entailment", str(small_llama_folder))
    assert run.exit_code == 1
    assert "The entailment model" in str(run.exception)


@pytest.mark.parametrize("key", ["", "caf\u00e9-0123456789", "tab\t0123456789"])
def test_what_cannot_be_an_endpoints_key_is_refused_without_showing_it(key):
    with lines(key) as descriptor, pytest.raises(InputError, match="--endpoint-key-fd") as caught:
        endpoint_key(int(descriptor))
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(model="m"), "The trained reader takes no model"),
        (Reading("causal"), "Which model should the causal run"),
        (Reading("endpoint", None, "m"), "An endpoint has a URL"),
        (Reading("causal", "http://h.example", "m"), "An endpoint has a URL"),
        (Reading("causal", None, "m", key_fd=3), "Only an endpoint has a key"),
        (Reading(key_fd=3), "Only an endpoint has a key"),
    ],
)
def test_a_reader_is_named_completely_or_not_at_all(reading, message):
    with pytest.raises(InputError, match=message):
        reading.check()


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
