"""A committee member over real HTTP, before a real chain: who may ask, and what comes back."""

import json
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from chainrep.chain.address_book import save_deployment
from chainrep.chain.client import connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.errors import SignatureError, SigningRefused
from chainrep.node.member import Member
from chainrep.node.quorum import Quorum
from chainrep.node.remote_signer import RemoteSigner
from chainrep.protocol.authorization import authorize, dump_authorization
from chainrep.protocol.evidence import sum_updates
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.sign_request import SignRequest, dump_request
from chainrep.protocol.typed_data import recover_signer
from chainrep.service.member import member_app
from chainrep.service.server import HttpServer, ServerLimits
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session
from chainrep.store.signings import Signings
from tests.fakes.rpc_proxy import RpcProxy
from tests.node.ledger_moves import record, report_on
from tests.tools import ROOT, serving

ACCOUNTS = dev_accounts(10)
COORDINATOR, STRANGER = ACCOUNTS[8], ACCOUNTS[9]
BODY_BYTES = 100_000


@pytest.fixture(scope="module")
def rpc():
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def deployed(rpc, tmp_path_factory):
    """A session as a member has it, over an RPC URL."""
    client = connect(rpc)
    members = [ACCOUNTS[i].address for i in COMMITTEE]
    deployment = deploy_contracts(client, ACCOUNTS[OWNER].private_key, members, THRESHOLD)
    config = Config(tmp_path_factory.mktemp("home"), rpc, None)
    session = bind_session(config, client, deployment)
    session.registry.register("https://source.example", ACCOUNTS[4].private_key)
    return session


@pytest.fixture
def chain(deployed):
    """The deployed contracts as they were at first."""
    call = deployed.client.w3.provider.make_request
    snapshot = call("evm_snapshot", [])["result"]
    yield deployed
    call("evm_revert", [snapshot])


def make_member(session, tmp_path, index):
    path = tmp_path / f"member{index}.sqlite"
    signings = Signings(path, session.deployment.ledger_id)
    key = ACCOUNTS[index].private_key
    return Member(session.registry, session.ledger, signings, key, [COORDINATOR.address])


def serve(member):
    return HttpServer(member_app(member), limits=ServerLimits(BODY_BYTES, stop_seconds=2))


@pytest.fixture
def served(chain, tmp_path):
    with serve(make_member(chain, tmp_path, 1)) as server:
        yield server


def signer(session, server, index=1, key=COORDINATOR.private_key, **options):
    address = ACCOUNTS[index].address
    return RemoteSigner(server.url, address, session.ledger.domain, key, **options)


def body_of(session, report, records):
    return dump_request(SignRequest(report, session.ledger.domain, dump_evidence(records)))


def post(session, server, body, signed=None, header=None):
    if header is None:
        proof = authorize(
            body if signed is None else signed, int(time.time()) + 60, ACCOUNTS[1].address,
            session.ledger.domain, COORDINATOR.private_key,
        )  # fmt: skip
        header = dump_authorization(proof)
    url, headers = f"{server.url}/sign", {"Authorization": header}
    return httpx.post(url, content=body, headers=headers, trust_env=False)


def test_members_over_http_carry_a_batch_onto_the_ledger(chain, served, tmp_path):
    records = [record("a"), record("b")]
    with serve(make_member(chain, tmp_path, 3)) as other:
        quorum = Quorum(chain.ledger.domain, [signer(chain, served), signer(chain, other, 3)])
        signed = quorum.sign(report_on(chain, records), records, chain.ledger.committee())
    chain.client.send(chain.ledger.batch_call(signed), ACCOUNTS[OWNER].private_key)
    assert chain.ledger.scores([1])[0].supported == 200


def test_a_coordinator_that_lies_is_refused_in_the_members_words(chain, served):
    first, second = [record("a")], [record("b")]
    ask = signer(chain, served).sign
    inflated = sum_updates([record("a", supported=200)])
    with pytest.raises(SigningRefused, match="It refuses: The evidence does not add up"):
        ask(report_on(chain, first, updates=chain.ledger.pack(inflated)), first)
    report = report_on(chain, first)
    assert recover_signer(report, chain.ledger.domain, ask(report, first)) == ACCOUNTS[1].address
    with pytest.raises(SigningRefused, match="Another batch was signed under nonce 1"):
        ask(report_on(chain, second), second)
    both = [*first, *second]
    with pytest.raises(SigningRefused, match="Feedback in this batch was signed in another one"):
        ask(report_on(chain, both, nonce=2), both)


def test_a_request_sent_again_gives_the_same_signature(chain, served):
    records = [record("a")]
    body = body_of(chain, report_on(chain, records), records)
    once, again = post(chain, served, body), post(chain, served, body)
    assert once.status_code == 200
    assert once.json() == again.json()


def test_strangers_are_turned_away(chain, served):
    records = [record("a")]
    report = report_on(chain, records)
    stranger = signer(chain, served, key=STRANGER.private_key)
    with pytest.raises(SigningRefused, match=f"401: {STRANGER.address} is no coordinator"):
        stranger.sign(report, records)
    late = signer(chain, served, clock=lambda: time.time() - 3_600)
    with pytest.raises(SigningRefused, match="401: The request has expired"):
        late.sign(report, records)
    body = body_of(chain, report, records)
    for header in ("", "Chainrep 1 2 3", "Bearer x"):
        answer = post(chain, served, body, header=header)
        assert (answer.status_code, answer.json()) == (
            401, {"refused": "The request carries no signature of a coordinator."},
        )  # fmt: skip


def test_a_stranger_is_turned_away_before_its_body_is_read(chain, served):
    request = (
        b"POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n"
        b"Authorization: Chainrep x\r\n\r\nonly the beginning"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(request)
        assert connection.recv(4_096).startswith(b"HTTP/1.1 401")


def test_a_body_other_than_the_one_that_was_signed_is_turned_away(chain, served):
    records = [record("a")]
    body = body_of(chain, report_on(chain, records), records)
    answer = post(chain, served, body + b" ", signed=body)
    assert (answer.status_code, answer.json()["refused"]) == (
        401, "The request's body is not the one that was signed.",
    )  # fmt: skip


def head(**changes):
    fields = {
        "chain_id": 1, "ledger": ACCOUNTS[0].address, "committee": 1, "nonce": 1, "deadline": 1,
        "evidence_root": "00" * 32, "updates": "",
    }  # fmt: skip
    return json.dumps(fields | changes).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\xff\xfe\n",
        b"[" * 50_000 + b"\n",
        b'{"a":' * 10_000 + b"\n",
        b"{}\n{}",
        head(nonce=-1) + b"\n",
        head(nonce=2**64) + b"\n",
        head(nonce=True) + b"\n",
        head(nonce=1.5) + b"\n",
        head(evidence_root="00") + b"\n",
        head(updates="0x00") + b"\n",
        head(updates="٠٠") + b"\n",
        head(ledger="0x00") + b"\n",
        head(extra=1) + b"\n",
        head() + b"\nno evidence",
    ],
)
def test_a_malformed_request_is_a_sentence(chain, served, body):
    answer = post(chain, served, body)
    assert answer.status_code == 400
    assert answer.json()["refused"].endswith(".")


def test_a_body_above_the_limit_is_cut_off(chain, served):
    assert post(chain, served, b"x" * (BODY_BYTES + 1)).status_code == 413


def test_a_member_whose_store_fails_says_no_more_than_that(chain, served, tmp_path):
    records = [record("a")]
    body = body_of(chain, report_on(chain, records), records)
    (tmp_path / "member1.sqlite").write_bytes(b"no database" * 1_000)
    answer = post(chain, served, body)
    assert answer.status_code == 503
    assert answer.json() == {"refused": "The member's store fails at the moment."}


def test_a_member_whose_chain_is_gone_says_no_more_than_that(chain, tmp_path, rpc):
    records = [record("a")]
    body = body_of(chain, report_on(chain, records), records)
    with RpcProxy(rpc) as proxy:
        cut_off = bind_session(chain.config, connect(proxy.url), chain.deployment)
        with serve(make_member(cut_off, tmp_path, 1)) as server:
            proxy.fail(drop=True)
            answer = post(chain, server, body)
    assert answer.status_code == 503
    assert answer.json() == {"refused": "The member's connection to the chain fails at the moment."}


KILLED_BEFORE_THE_REPLY = """
import os, signal, sys
from pathlib import Path
import chainrep.node.member as member
from chainrep.chain.address_book import load_deployment
from tests.service.test_member import *

url, folder = sys.argv[1], Path(sys.argv[2])
member.sign_report = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
client = connect(url)
deployment = load_deployment(folder, client.chain_id, client.genesis)
session = bind_session(Config(folder, url, None), client, deployment)
with serve(make_member(session, folder, 1)) as server:
    print(server.url, flush=True)
    signal.pause()
"""


def test_a_member_killed_between_store_and_reply_remembers_what_it_was_about_to_sign(
    chain, tmp_path
):
    first, second = [record("a")], [record("b")]
    save_deployment(tmp_path, chain.deployment)
    doomed = subprocess.Popen(
        [sys.executable, "-c", KILLED_BEFORE_THE_REPLY, chain.config.rpc, str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = doomed.stdout.readline().strip()
        report, domain = report_on(chain, first), chain.ledger.domain
        asking = RemoteSigner(url, ACCOUNTS[1].address, domain, COORDINATOR.private_key)
        with pytest.raises(SignatureError, match="does not answer"):
            asking.sign(report, first)
        assert doomed.wait(60) == -signal.SIGKILL
    finally:
        doomed.kill()
        doomed.communicate()
    with serve(make_member(chain, tmp_path, 1)) as server:
        ask = signer(chain, server).sign
        with pytest.raises(SigningRefused, match="Another batch was signed under nonce 1"):
            ask(report_on(chain, second), second)
        signature = ask(report, first)
    assert recover_signer(report, domain, signature) == ACCOUNTS[1].address
