"""`chainrep feedback audit` with a home of one's own, and with none."""

import json
from dataclasses import replace
from threading import Thread

import click
import pytest
from click.testing import CliRunner
from hexbytes import HexBytes
from starlette.applications import Starlette

from chainrep.chain.client import Client
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.rpc_server import RpcServer
from chainrep.cli.app import cli
from chainrep.config import read_config
from chainrep.errors import EvidenceUnavailable, InputError, NotDeployed, WrongChain
from chainrep.protocol.chain_event import signature_of
from chainrep.service.evidence import evidence_routes
from chainrep.service.server import HttpServer
from chainrep.session import bind_session, deploy_new, published_committee
from chainrep.store.evidence import EvidenceStore
from tests.node.batch_maker import ACCOUNTS, apply_batch, judgement
from tests.node.chain_writer import ChainWriter
from tests.node.meddler import Meddler
from tests.tools import serving

HONEST, TWICE = [judgement(1), judgement(2, source=2, right=False)], [judgement(1, source=2)]


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Batch 1 fits, nonce 2 is cancelled, batch 3 counts feedback of batch 1 again."""
    client = Client(EmbeddedProvider(embedded_chain()), "the embedded chain")
    config = read_config(str(tmp_path_factory.mktemp("home")))
    deployment = deploy_new(config, client, ACCOUNTS[0].private_key, published_committee(client))
    made = bind_session(config, client, deployment)
    writer = ChainWriter(made)
    writer.register("https://a.example", "https://b.example")
    store = EvidenceStore(config.evidence)
    store.put(HONEST)
    apply_batch(made, HONEST)
    writer.cancel()
    store.put(TWICE)
    apply_batch(made, TWICE)
    return made


@pytest.fixture(scope="module")
def rpc(session):
    with serving(session.client.w3.provider) as url:
        yield url


@pytest.fixture(scope="module")
def served(session):
    store = EvidenceStore(session.config.evidence)
    with HttpServer(Starlette(routes=evidence_routes(store, session.deployment))) as server:
        yield server.url


def run(home, rpc, *arguments):
    """What it printed, and the exit code that click's own `Exit` becomes."""
    command = ["feedback", "audit", *arguments, "--home", str(home), "--rpc", rpc]
    done = CliRunner().invoke(cli, command, catch_exceptions=False, standalone_mode=False)
    return done, done.return_value or 0


def test_a_batch_of_ones_own_is_audited_from_the_home_folder(session, rpc):
    done, code = run(session.config.home, rpc, "1")
    assert code == 0
    assert "fits" in done.stdout
    assert "1 of 1 batches fit" in done.stdout
    assert "All events together" in done.stdout
    assert done.stderr.strip() == ""


def test_a_stranger_needs_only_a_chain_and_a_server_and_is_told_whose_word_he_takes(
    session, rpc, served, tmp_path
):
    done, code = run(tmp_path, rpc, "1-2", "--evidence", served)
    assert code == 0
    place = session.deployment.score_ledger
    assert f"Ledger {place}, as {served} says: compare it" in done.stderr
    assert "cancelled" in done.stdout
    done, code = run(tmp_path, rpc, "1", "--evidence", served, "--ledger", place.lower())
    assert code == 0
    assert "compare" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_machines_read_every_finding_and_the_exit_code(session, rpc, served, tmp_path):
    done, code = run(tmp_path, rpc, "all", "--evidence", served, "--json")
    assert code == 1
    told = json.loads(done.stdout)
    assert told["ledger"] == session.deployment.score_ledger
    assert (told["history_fits"], told["ledger_named_by_server"]) == (True, True)
    one, two, three = told["batches"]
    assert (one["verdict"], one["records"], one["first_finding"]) == ("fits", 2, None)
    assert len(one["signers"]) == 2
    assert two["cancelled"]
    assert three["verdict"] == "does not fit"
    assert three["first_finding"]["step"] == "counted twice"
    assert "in batches 1 and 3" in three["first_finding"]["text"]
    table, code = run(tmp_path, rpc, "all", "--evidence", served)
    assert code == 1
    assert "Batch 3, counted twice: Feedback 0x" in table.stdout
    assert "2 of 3 batches fit" in table.stdout


def test_an_event_missing_anywhere_is_told_and_fails_though_the_batches_asked_for_fit(session):
    def without_cancellations(method, params, response):
        if method != "eth_getLogs":
            return response
        topic = signature_of("ScoreLedger", "NonceCancelled")
        logs = [log for log in response["result"] if HexBytes(log["topics"][0]) != topic]
        return response | {"result": logs}

    liar = Meddler(session.client)
    liar.meddle = without_cancellations
    with RpcServer(liar) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        done, code = run(session.config.home, server.url, "1")
        server.shutdown()
        thread.join()
    assert code == 1
    assert "1 of 1 batches fit" in done.stdout
    assert "an event is missing, altered or invented" in done.stdout


def test_the_ledger_of_ones_own_address_book_goes_before_the_servers_word(session, rpc, served):
    done, code = run(session.config.home, rpc, "1", "--evidence", served, "--json")
    assert code == 0
    assert json.loads(done.stdout)["ledger_named_by_server"] is False


def test_a_ledger_that_is_named_is_audited_without_any_deployment(session, rpc, tmp_path):
    place = session.deployment.score_ledger
    done, code = run(tmp_path, rpc, "1", "--ledger", place, "--json")
    assert code == 1
    (batch,) = json.loads(done.stdout)["batches"]
    assert batch["first_finding"]["step"] == "evidence"
    assert len(batch["signers"]) == 2


@pytest.mark.parametrize("what", ["0", "3-1", "-1", "1-", "x", "1,2", "", "1-2-3", "9" * 30, "٣"])
def test_what_names_no_batches_is_misuse(session, rpc, what):
    with pytest.raises((InputError, click.UsageError)) as caught:
        run(session.config.home, rpc, what)
    assert caught.value.exit_code == 2


def test_batches_that_are_not_there_yet_are_misuse_and_the_ledger_says_how_far_it_is(session, rpc):
    with pytest.raises(InputError, match="batches 1 to 3 so far"):
        run(session.config.home, rpc, "2-4")


def test_without_any_hint_where_the_ledger_is_the_way_is_told(rpc, tmp_path):
    with pytest.raises(NotDeployed, match="--ledger ADDRESS"):
        run(tmp_path, rpc, "1")


@pytest.mark.parametrize("place", ["0x1", "ledger", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293Bc"])
def test_a_ledger_that_is_no_address_is_misuse(rpc, tmp_path, place):
    with pytest.raises(InputError, match="--ledger"):
        run(tmp_path, rpc, "1", "--ledger", place)


def test_another_contract_in_the_ledgers_place_is_not_asked(session, rpc, tmp_path):
    for place in (session.deployment.source_registry, ACCOUNTS[0].address):
        with pytest.raises(NotDeployed, match="no ScoreLedger of this chainrep"):
            run(tmp_path, rpc, "1", "--ledger", place)


@pytest.mark.parametrize("other", [{"chain_id": 5}, {"genesis": "0x" + "ab" * 32}], ids=str)
def test_evidence_of_another_chains_ledger_is_told(session, rpc, tmp_path, other):
    elsewhere = replace(session.deployment, **other)
    routes = evidence_routes(EvidenceStore(tmp_path), elsewhere)
    with (
        HttpServer(Starlette(routes=routes)) as server,
        pytest.raises(WrongChain, match="another one"),
    ):
        run(tmp_path, rpc, "1", "--evidence", server.url)


def test_a_server_that_is_not_there_is_told_before_anything_is_read(rpc, tmp_path):
    with pytest.raises(EvidenceUnavailable, match=r"http://127\.0\.0\.1:9 does not answer"):
        run(tmp_path, rpc, "1", "--evidence", "http://127.0.0.1:9")
