"""Evidence over HTTP, as a stranger asks for it."""

from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from chainrep.chain.address_book import Deployment, parse_deployment
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree
from chainrep.protocol.evidence_file import dump_evidence, parse_evidence
from chainrep.protocol.types import FeedbackKind
from chainrep.service.evidence import evidence_routes
from chainrep.service.server import HttpServer
from chainrep.store.evidence import EvidenceStore

A, B = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
DEPLOYMENT = Deployment(31_337, "0x" + "ab" * 32, 1, A, B, A, A, [A, B], 1)
ONE = EvidenceRecord(bytes(32), 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
RECORDS = [replace(ONE, id=i.to_bytes(32)) for i in range(300)]


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def app(store):
    return Starlette(routes=evidence_routes(store, DEPLOYMENT))


@pytest.fixture
def client(app):
    return TestClient(app)


def test_evidence_is_served_by_its_root_and_may_be_cached_for_ever(client, store):
    root = store.put(RECORDS)
    for name in (root.hex(), "0x" + root.hex(), root.hex().upper()):
        answer = client.get(f"/evidence/{name}")
        assert answer.status_code == 200
        assert answer.content == dump_evidence(RECORDS)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == f'"0x{root.hex()}"'
    assert "immutable" in answer.headers["cache-control"]


def test_head_tells_the_length_without_the_file(client, store):
    root = store.put(RECORDS)
    answer = client.head(f"/evidence/{root.hex()}")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == len(dump_evidence(RECORDS))
    assert client.head(f"/evidence/{bytes(32).hex()}").status_code == 404


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"x", "{}"', "*"])
def test_who_has_the_file_already_is_not_sent_it_again(client, store, form):
    root = store.put(RECORDS)
    stated = form.format("0x" + root.hex())
    answer = client.get(f"/evidence/{root.hex()}", headers={"If-None-Match": stated})
    assert (answer.status_code, answer.content) == (304, b"")
    other = client.get(f"/evidence/{root.hex()}", headers={"If-None-Match": '"0x00"'})
    assert other.status_code == 200


def test_an_interrupted_download_can_be_continued(client, store):
    root = store.put(RECORDS)
    answer = client.get(f"/evidence/{root.hex()}", headers={"Range": "bytes=1000-1999"})
    assert answer.status_code == 206
    assert answer.content == dump_evidence(RECORDS)[1000:2000]


def test_evidence_that_is_not_kept_and_roots_that_are_none_are_told_apart(client):
    missing = client.get(f"/evidence/{bytes(32).hex()}")
    assert missing.status_code == 404
    assert "No evidence" in missing.text
    assert "immutable" not in missing.headers["cache-control"]
    for root in ("abc", "zz" * 32, "%2e%2e%2fstore.sqlite", "a" * 5_000):
        answer = client.get(f"/evidence/{root}")
        assert answer.status_code in {400, 404}
        assert "sqlite" not in answer.text
    assert "64 hexadecimal digits" in client.get("/evidence/abc").text
    assert client.post(f"/evidence/{bytes(32).hex()}").status_code == 405


def test_a_damaged_file_is_not_served_and_the_answer_names_no_path(client, store, tmp_path):
    root = store.put(RECORDS)
    path = store.find(root)
    path.write_bytes(path.read_bytes().replace(b'"supported":100', b'"supported":900'))
    answer = client.get(f"/evidence/{root.hex()}")
    assert answer.status_code == 500
    assert str(tmp_path) not in answer.text
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_a_stranger_finds_the_ledger_in_the_deployment(client):
    answer = client.get("/deployment")
    assert parse_deployment(answer.content) == DEPLOYMENT
    assert client.head("/deployment").status_code == 200


def test_it_is_served_over_real_sockets(app, store):
    root = store.put(RECORDS)
    with HttpServer(app) as server:
        answer = httpx.get(f"{server.url}/evidence/{root.hex()}", trust_env=False)
        assert evidence_tree(parse_evidence(answer.content)).root == root
        assert httpx.get(f"{server.url}/deployment", trust_env=False).json()["score_ledger"] == B
