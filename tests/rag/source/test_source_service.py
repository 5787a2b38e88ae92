"""A source over real HTTP: what it signs, what it refuses, and what no client can do to it."""

import json
import socket
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
from eth_account import Account

from chainrep.service.server import ServerLimits
from rag.source.access import Access, authorize_search, read_keys
from rag.source.corpus_index import CorpusIndex
from rag.source.receipts import check_receipt, query_digest, sign_receipt, statement_of
from rag.source.service import fitting
from rag.source.wire import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    Query,
    dump_answer,
    dump_query,
    load_answer,
    load_metadata,
    read_refusal,
)
from rag.types import Passage
from tests.rag.source.one_source import (
    DOMAIN,
    KEY,
    OWNER,
    PASSAGES,
    SALT,
    live_corpus,
    serving,
    write_file,
)

ASKER = bytes([5]) * 32
BODY = dump_query(Query("Where does the Danube begin?", 2, SALT))


@pytest.fixture
def live(tmp_path):
    return live_corpus(tmp_path)


@pytest.fixture
def client(live):
    with serving(live) as client:
        yield client


def ask(client, question="Where does the Danube begin?", k=2, salt=SALT):
    response = client.post("/search", content=dump_query(Query(question, k, salt)))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    passages, receipt = load_answer(response.content, k)
    query = query_digest(salt, k, question)
    check_receipt(receipt, source=3, owner=OWNER, query=query, passages=passages, domain=DOMAIN)
    return passages, receipt


def refusal(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    reason = read_refusal(response.content)
    assert reason.endswith(".")
    assert "/" not in reason
    return reason


def test_every_search_is_answered_with_a_receipt_that_holds(client, live):
    passages, receipt = ask(client)
    assert passages == PASSAGES[:1]
    assert receipt.corpus == live.corpus.version
    assert abs(receipt.time - time.time()) < 60


def test_finding_nothing_is_signed_too(client):
    passages, _ = ask(client, "quantum chromodynamics")
    assert passages == ()


def test_passages_arrive_as_they_stand_in_the_corpus(client):
    assert ask(client, "Ägypten", 50)[0] == PASSAGES[2:]


def test_the_same_query_never_gets_two_statements(live, tmp_path):
    with ExitStack() as stack:
        clients = [stack.enter_context(serving(live)) for _ in range(2)]
        again = stack.enter_context(serving(live_corpus(tmp_path)))
        found = [ask(client, "rivers and mountains", 3)[1] for client in [*clients, again] * 2]
    assert len({statement_of(receipt, DOMAIN) for receipt in found}) == 1
    assert len({receipt.statement for receipt in found}) == 1


def test_another_corpus_is_another_slot_and_no_conflict(client, live):
    _, before = ask(client, "rivers", 3)
    write_file(live.path, PASSAGES[2:])
    live.reload()
    _, after = ask(client, "rivers", 3)
    assert before.passages != after.passages
    assert statement_of(before, DOMAIN).slot != statement_of(after, DOMAIN).slot


def test_metadata_and_health_are_for_everybody(live):
    with serving(live, Access(OWNER, DOMAIN, {"alice": bytes(32)})) as client:
        metadata = load_metadata(client.get("/metadata").content)
        health = client.get("/health").json()
    assert (metadata.source, metadata.name, metadata.passages) == (3, "rivers", 3)
    assert (metadata.price_wei, metadata.max_k) == (10**20, 50)
    assert (metadata.chain_id, metadata.registry) == (DOMAIN.chain_id, DOMAIN.registry)
    assert metadata.corpus == live.corpus.version
    assert health["status"] == "ok"
    assert health["passages"] == 3
    assert 0 <= health["age_seconds"] < 60
    assert health["corpus"] == "0x" + live.corpus.version.hex()


def test_a_broken_corpus_shows_in_health_and_searches_go_on(client, live):
    live.path.write_text("{")
    live.reload()
    health = client.get("/health").json()
    assert health["status"] == "old"
    assert "cannot be read" in health["reason"]
    assert str(live.path) not in health["reason"]
    assert ask(client)[0] == PASSAGES[:1]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"\xff\xfe\xfd", b"[" * 30_000, b'{"a":' * 6_000,
     *(json.dumps({"query": "a", "k": 1, "salt": "0x" + "00" * 32} | changed).encode()
       for changed in ({"k": 0}, {"k": 51}, {"k": "1"}, {"query": 1}, {"query": "a" * 2_001},
                       {"query": "\ud800"}, {"salt": "0x"}))],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
def test_a_malformed_search_is_refused_with_a_sentence(client, body):
    refusal(client.post("/search", content=body), 400)
    ask(client)


def test_a_body_of_ten_megabytes_is_refused_unread(client):
    assert "bytes" in refusal(client.post("/search", content=bytes(MAX_REQUEST_BYTES + 1)), 413)
    head = f"POST /search HTTP/1.1\r\nHost: x\r\nContent-Length: {10 * 2**20}\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
        raw.settimeout(10)
        raw.sendall(head.encode() + bytes(MAX_REQUEST_BYTES + 1))  # the rest never comes
        assert raw.recv(12) == b"HTTP/1.1 413"
    ask(client)


def test_other_paths_and_methods_are_refused_in_json(client):
    for response, status in (
        (client.get("/search"), 405),
        (client.get("/etc/passwd"), 404),
        (client.post("/metadata"), 405),
    ):
        assert response.status_code == status
        assert read_refusal(response.content)


def with_a_key(folder):
    (folder / "keys").write_text("alice 0123456789abcdef\n")
    return Access(OWNER, DOMAIN, read_keys(folder / "keys"))


def test_with_api_keys_a_search_needs_one(live, tmp_path):
    access = with_a_key(tmp_path)
    with serving(live, access) as client:
        refused = client.post("/search", content=BODY)
        assert "API key" in refusal(refused, 401)
        assert refused.headers["www-authenticate"] == "Bearer"
        wrong = {"Authorization": "Bearer 0123456789abcdeX"}
        assert "0123" not in refusal(client.post("/search", content=BODY, headers=wrong), 401)
        client.headers["Authorization"] = "Bearer 0123456789abcdef"
        assert ask(client)[0] == PASSAGES[:1]


def test_with_a_list_of_accounts_a_search_needs_a_signature(live):
    access = Access(OWNER, DOMAIN, {}, frozenset({Account.from_key(ASKER).address}), 3)
    expires = int(time.time()) + 60
    with serving(live, access) as client:
        for key, status in ((ASKER, 200), (bytes([6]) * 32, 401)):
            header = {"Authorization": authorize_search(BODY, expires, 3, OWNER, DOMAIN, key)}
            assert client.post("/search", content=BODY, headers=header).status_code == status
        header = {"Authorization": authorize_search(BODY, expires, 3, OWNER, DOMAIN, ASKER)}
        other = BODY.replace(b"Danube", b"Donube")
        assert "signed" in refusal(client.post("/search", content=other, headers=header), 401)


def test_whoever_searches_too_often_is_told_when_to_come_back(live):
    with serving(live, rate=0.01) as client:
        ask(client)
        refused = client.post("/search", content=BODY)
        assert "too often" in refusal(refused, 429)
        assert 90 <= int(refused.headers["retry-after"]) <= 100
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("proxy", "statuses"), [("127.0.0.1", [200, 429, 200]), ("", [200, 429, 429])]
)
def test_behind_a_trusted_proxy_each_client_has_its_own_rate(live, proxy, statuses):
    with serving(live, rate=0.01, proxy=proxy) as client:
        found = [
            client.post("/search", content=BODY, headers={"X-Forwarded-For": f"1.1.1.1, {last}"})
            for last in ("198.51.100.66", "198.51.100.66", "203.0.113.5")
        ]
    assert [response.status_code for response in found] == statuses


def test_guessing_keys_is_limited_too_and_costs_their_holders_nothing(live, tmp_path):
    access = with_a_key(tmp_path)
    with serving(live, access, rate=0.01) as client:
        guess = {"Authorization": "Bearer guessed-guessed-guessed"}
        statuses = [
            client.post("/search", content=BODY, headers=guess).status_code for _ in range(3)
        ]
        assert statuses == [401, 429, 429]
        client.headers["Authorization"] = "Bearer 0123456789abcdef"
        ask(client)


def test_nothing_that_is_asked_or_shown_as_a_key_is_logged(live, tmp_path, caplog):
    caplog.set_level("DEBUG")
    with serving(live, with_a_key(tmp_path)) as client:
        for key in ("0123456789abcdef", "wrong-wrong-wrong-wrong"):
            client.post("/search", content=BODY, headers={"Authorization": f"Bearer {key}"})
    logged = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("http"))
    assert not any(word in logged for word in ("0123456789abcdef", "wrong-wrong", "Danube"))


def test_a_failure_of_ours_is_told_without_its_words(live, monkeypatch, caplog):
    def broken(*_):
        raise OSError("/secret/path is gone")

    monkeypatch.setattr(CorpusIndex, "search", broken)
    with serving(live) as client:
        response = client.post("/search", content=BODY)
    assert refusal(response, 500) == "The source fails at the moment."
    assert "/secret/path" in caplog.text


def test_a_client_that_leaves_in_the_middle_is_nobodys_error(client, caplog):
    head = b"POST /search HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    for _ in range(3):
        with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
            raw.sendall(head)
            time.sleep(0.05)
    ask(client)
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def test_clients_that_drip_hold_nobody_up(live):
    limits = ServerLimits(body_bytes=MAX_REQUEST_BYTES, header_seconds=1, exchange_seconds=1)
    with serving(live, limits=limits) as client, ExitStack() as stack:
        drips = [
            stack.enter_context(
                socket.create_connection((client.base_url.host, client.base_url.port))
            )
            for _ in range(20)
        ]
        for raw in drips:
            raw.sendall(b"POST /search HTTP/1.1\r\nContent-Le")
        assert ask(client)[0] == PASSAGES[:1]
        for raw in drips:
            raw.settimeout(10)
            assert raw.recv(1) == b""


def test_new_corpora_under_load_lose_no_request(client, live):
    stopping = threading.Event()
    versions, failures = set(), []

    def ask_on():
        with httpx.Client(base_url=client.base_url, trust_env=False, timeout=20) as own:
            while not stopping.is_set():
                try:
                    versions.add(ask(own, "rivers", 50)[1].corpus)
                except Exception as error:  # noqa: BLE001 - shown below
                    failures.append(error)

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    expected = {live.corpus.version}
    for count in (2, 3, 1):
        write_file(live.path, PASSAGES[:count])
        live.reload()
        expected.add(live.corpus.version)
        deadline = time.monotonic() + 30
        while live.corpus.version not in versions and not failures:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    stopping.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert versions == expected


def test_an_answer_never_exceeds_what_its_reader_takes():
    long = [Passage('"' * 100_000, "\\" * 2_000) for _ in range(50)]
    kept = fitting(long)
    assert 0 < len(kept) < 50
    assert fitting(long) == kept
    assert fitting(PASSAGES) == PASSAGES
    receipt = sign_receipt(2**32 - 1, bytes(32), bytes(32), kept, 2**64 - 1, DOMAIN, KEY)
    content = dump_answer(kept, receipt)
    assert len(content) <= MAX_ANSWER_BYTES
    assert load_answer(content, 50)[0] == kept
    wide = Passage("🦉" * 100_000, "🦉" * 2_000)
    assert fitting([wide]) == (wide,)
