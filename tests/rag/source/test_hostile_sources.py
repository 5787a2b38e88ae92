"""What a source on another machine can do to an asker: cost its own vote, and no more."""

import json
import socket
import time
from dataclasses import replace

import pytest

from rag.types import Found, Passage, Silence
from tests.fakes import hostile_source as hostile
from tests.fakes.hostile_source import HostileServer, Signer, honest
from tests.rag.source.asking_town import (
    PATIENT,
    QUESTION,
    QUICK,
    key_of,
    remote,
    retriever,
    signer,
)
from tests.tools import free_port

OLD = []


def forges(visit):
    visit.send(Signer(1, key_of(99), signer(1).domain).answer(visit.query))


def swaps_passages(visit):
    visit.send(signer(1).answer(visit.query, shown=[Passage("Lyon is the capital of France.")]))


def shows_a_strangers_answer(visit):
    visit.send(signer(2).answer(visit.query))


def shows_more_than_it_signed(visit):
    own = list(signer(1).passages)
    visit.send(signer(1).answer(visit.query, passages=own, shown=[*own, *own]))


def replays(visit):
    OLD.append(signer(1).answer(visit.query))
    visit.send(OLD[0])


def lives_in_the_past(visit):
    visit.send(signer(1).answer(visit.query, time_shift=-3_600))


def signs_half(visit):
    answer = json.loads(signer(1).answer(visit.query))
    answer["receipt"]["statement"] = "0x" + "11" * 65
    visit.send(json.dumps(answer).encode())


def sends_more_than_asked(visit):
    visit.send(signer(1).answer(visit.query, passages=[Passage(f"p{i}") for i in range(9)]))


def sends_chunks_of_one_byte(visit):
    visit.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visit.write(b"1\r\nx\r\n" * 5_000)


def says_continue_for_ever(visit):
    while True:
        visit.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


def sends_countless_lists(visit):
    visit.send(b'{"passages":[' + b"[]," * 300_000 + b"[]]}")


def is_busy(visit):
    visit.send(b'{"refused": "One search a minute."}', 429, Retry_After="60")


FAULTS = {
    hostile.hangs: "did not answer in 1.2 s",
    hostile.drips_headers: "did not answer in 1.2 s",
    hostile.drips_body: "did not answer in 1.2 s",
    hostile.sends_ten_megabytes: "sends more than 1,048,576 bytes",
    hostile.never_ends: "sends more than 1,048,576 bytes",
    hostile.endless_headers: "broke off, or does not speak HTTP",
    hostile.sends_invalid_utf8: "sends what is no answer: What was sent is no JSON in UTF-8",
    hostile.sends_wrong_schema: "sends what is no answer: passages is no list of at most 3.",
    hostile.sends_deep_json: "more than 200 parts",
    hostile.redirects: "points somewhere else, and redirects are not followed",
    hostile.fails: 'answers with status 500 and says "The index is gone."',
    hostile.dies_in_its_answer: "broke off",
    hostile.ends_too_early: "broke off",
    hostile.speaks_no_http: "broke off, or does not speak HTTP",
    forges: "is no evidence: The receipt was signed by",
    swaps_passages: "is no evidence: The receipt is of other passages.",
    shows_a_strangers_answer: "is no evidence: The receipt is of source 2, not of 1.",
    shows_more_than_it_signed: "is no evidence: The receipt is of other passages.",
    lives_in_the_past: "is no evidence: its clock is off by 36",
    signs_half: "is no evidence: The receipt's statement is not signed.",
    sends_more_than_asked: "sends what is no answer: passages is no list of at most 3.",
    sends_chunks_of_one_byte: "sends its answer in countless small pieces",
    says_continue_for_ever: "broke off, or does not speak HTTP",
    sends_countless_lists: "sends what is no answer: What was sent has more than 200 parts",
    is_busy: 'is asked too often (status 429) and says "One search a minute."',
}


@pytest.fixture(scope="module")
def server():
    behaviours = {fault.__name__: fault for fault in [*FAULTS, replays]}
    with HostileServer(behaviours | {"honest": honest(signer(2))}) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_hostile_source_is_silent_with_a_reason_and_the_honest_one_is_heard(server, fault):
    sources = remote(1, server.url(fault.__name__)), remote(2, server.url("honest"))
    terms = QUICK if "did not answer" in FAULTS[fault] else PATIENT
    with retriever(*sources, terms=terms) as asked:
        began = time.monotonic()
        found = asked.search(QUESTION, [1, 2], 3)
        assert time.monotonic() - began < 20
        assert isinstance(found[1], Silence)
        assert FAULTS[fault] in found[1].reason
        assert isinstance(found[2], Found)
        assert found[2].passages == tuple(signer(2).passages)
    assert server.count("elsewhere") == 0


def test_an_old_receipt_is_no_evidence_for_a_new_question(server):
    with retriever(remote(1, server.url("replays"))) as asked:
        first, second = (asked.search(QUESTION, [1], 3)[1] for _ in range(2))
    assert isinstance(first, Found)
    assert second == Silence(1, "is no evidence: The receipt is of another query.")


def test_a_source_that_is_not_there_is_silent(server):
    with retriever(remote(1, f"http://127.0.0.1:{free_port()}")) as asked:
        found = asked.search(QUESTION, [1], 3)
    assert found == {1: Silence(1, "cannot be reached: nothing answers at its address")}


def test_a_host_that_is_not_found_is_silent():
    with retriever(remote(1, "http://no-such-host.invalid")) as asked:
        found = asked.search(QUESTION, [1], 3)[1]
    assert found == Silence(1, "cannot be reached: its host name is not found")


def test_when_no_source_answers_all_are_silent_within_the_deadline(server):
    names = ["hangs", "drips_body", "drips_headers", "fails", "forges", "hangs"]
    sources = [remote(i, server.url(name)) for i, name in enumerate(names, start=1)]
    with retriever(*sources, terms=QUICK) as asked:
        began = time.monotonic()
        found = asked.search(QUESTION, range(1, 7), 3)
        assert time.monotonic() - began < 20
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(each, Silence) for each in found.values())


def test_the_deadline_for_all_holds_where_a_source_would_have_longer(server):
    terms = replace(QUICK, source_seconds=30.0)
    sources = remote(1, server.url("hangs")), remote(2, server.url("honest"))
    with retriever(*sources, terms=terms) as asked:
        began = time.monotonic()
        found = asked.search(QUESTION, [1, 2], 3)
        assert time.monotonic() - began < 20
        assert found[1] == Silence(1, "did not answer in 2.5 s")
        assert isinstance(found[2], Found)


def test_faults_are_counted_apart_from_failures(server):
    sources = [remote(1, server.url("swaps_passages")), remote(2, server.url("fails"))]
    with retriever(*sources) as asked:
        for _ in range(3):
            asked.search(QUESTION, [1, 2], 3)
        lying, failing = asked.health()
    assert (lying.failures, lying.faults) == (3, 3)
    assert (failing.failures, failing.faults) == (3, 0)


def test_a_source_that_asks_for_a_rest_gets_it(server):
    with retriever(remote(1, server.url("is_busy"))) as asked:
        asked.search(QUESTION, [1], 3)
        before = server.count("is_busy")
        again = asked.search(QUESTION, [1], 3)[1]
        (health,) = asked.health()
    assert "s: it is asked too often" in again.reason
    assert server.count("is_busy") == before
    assert health.state == "open"
    assert 30 < health.rests_for <= 60


def test_sources_that_are_not_registered_are_silent(server):
    with retriever(remote(2, server.url("honest"))) as asked:
        found = asked.search(QUESTION, [1, 2], 3)
    assert found[1] == Silence(1, "is not registered, or has retired")
    assert isinstance(found[2], Found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
def test_a_private_address_is_never_connected_unless_allowed(host):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        url = f"http://{host}:{listening.getsockname()[1]}"
        with retriever(remote(1, url), allow_private=False) as asked:
            found = asked.search(QUESTION, [1], 3)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert found == {1: Silence(1, "cannot be reached: its address is not a public one")}
