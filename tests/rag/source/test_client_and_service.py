"""The client of sources and the service of one, each as the other will meet it."""

import time
from dataclasses import replace

from rag.source.access import Access
from rag.source.conflicts import AccusationBook
from rag.source.credentials import signed_by
from rag.source.receipts import check_receipt, query_digest
from rag.source.remote_retriever import RemoteRetriever
from rag.source.remote_source import RemoteSource
from rag.types import Found
from tests.rag.source.asking_town import PATIENT, key_of, owner_of
from tests.rag.source.one_source import DOMAIN, OWNER, PASSAGES, live_corpus, serving


def asking(client, **more):
    source = RemoteSource(3, OWNER, (str(client.base_url).rstrip("/"),))
    terms = more.pop("terms", PATIENT)
    return RemoteRetriever([source], DOMAIN, terms, allow_private=True, **more)


def wait_until(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_the_service_signs_the_client_believes(tmp_path):
    with serving(live_corpus(tmp_path)) as client, asking(client) as asked:
        found = asked.search("Which mountain is the highest?", [3], 2)[3]
        assert isinstance(found, Found)
        assert found.passages[0] == PASSAGES[1]
        assert found.receipt.source == 3
        asked.costs()
        wait_until(lambda: asked.costs()[3].price == 10**20)


def test_what_was_found_proves_later_what_was_asked_and_signed(tmp_path):
    question = "Which mountain is the highest?"
    with serving(live_corpus(tmp_path)) as client, asking(client) as asked:
        receipt = asked.search(question, [3], 2)[3].receipt
    query = query_digest(receipt.salt, receipt.k, question)
    assert (len(receipt.salt), receipt.k, receipt.query) == (32, 2, query)
    check_receipt(
        receipt, source=3, owner=OWNER, query=query, passages=receipt.signed, domain=DOMAIN
    )


def test_an_honest_service_that_is_asked_the_same_again_is_not_accused(tmp_path):
    terms = replace(PATIENT, again_share=1.0, again_within=0.0)
    book = AccusationBook(DOMAIN, tmp_path / "accusations")
    with serving(live_corpus(tmp_path)) as client, asking(client, terms=terms, book=book) as asked:
        for question in ("Danube", "Everest", "Nile"):
            assert isinstance(asked.search(question, [3], 3)[3], Found)
        time.sleep(0.2)
        assert asked.health()[0].faults == 0
    assert book.accused == set()


def test_a_service_that_knows_its_askers_answers_a_signed_search_alone(tmp_path):
    access = Access(OWNER, DOMAIN, accounts=frozenset({owner_of(7)}), source=3)
    with serving(live_corpus(tmp_path), access) as client:
        with asking(client) as asked:
            refused = asked.search("Nile", [3], 3)[3]
        with asking(client, credentials=signed_by(key_of(7), DOMAIN)) as asked:
            found = asked.search("Nile", [3], 3)[3]
    assert refused.reason.startswith("answers with status 401 and says")
    assert isinstance(found, Found)


def test_a_service_that_is_asked_too_often_is_left_alone_for_as_long_as_it_says(tmp_path):
    with serving(live_corpus(tmp_path), rate=0.1) as client, asking(client) as asked:
        answers = [asked.search("Nile", [3], 3)[3] for _ in range(60)]
        (health,) = asked.health()
    reasons = [each.reason for each in answers if not isinstance(each, Found)]
    assert reasons[0].startswith("is asked too often (status 429)")
    assert any("is asked too often" in reason and "rests for" in reason for reason in reasons)
    assert health.failures < len(reasons)
