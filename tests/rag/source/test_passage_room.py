"""How much of an answer is read, whoever sent it."""

from dataclasses import replace

from rag.source.local_retriever import LocalRetriever
from rag.source.passage_room import ANSWER_CHARS, PASSAGE_CHARS, PassageRoom, fit
from rag.source.receipts import check_receipt, digest_of
from rag.types import Passage
from tests.fakes.hostile_source import HostileServer
from tests.rag.source.asking_town import (
    DOMAIN,
    PATIENT,
    QUESTION,
    owner_of,
    remote,
    retriever,
    signer,
)

LONG = [Passage(f"{number} " + "word " * 6_000, "Title") for number in range(10)]


def test_passages_that_fit_are_cleaned_and_stay_as_they_are():
    sent = [Passage("a\x1b b  c", " t "), Passage("\x00", "empty"), Passage("d")]
    assert fit(sent, PassageRoom()) == ((Passage("a b c", "t"), Passage("d")), 0)


def test_what_is_longer_is_cut_and_what_has_no_room_is_left_out_and_both_are_counted():
    room = PassageRoom(passage=10, answer=25)
    sent = [Passage("a" * 8, "tt"), Passage("b" * 9, "tt"), Passage("c" * 9), Passage("d")]
    fitting = (Passage("a" * 8, "tt"), Passage("b" * 8, "tt"), Passage("c" * 5))
    assert fit(sent, room) == (fitting, 3)


def test_a_title_takes_room_as_well():
    assert fit([Passage("text", "t" * 50)], PassageRoom(passage=50)) == ((), 1)


def test_of_a_long_answer_a_bounded_part_is_read_and_its_receipt_still_proves_it_all():
    long = signer(1, passages=LONG)
    with HostileServer({"long": lambda visit: visit.send(long.answer(visit.query))}) as server:
        with retriever(remote(1, server.url("long"))) as asked:
            found = asked.search(QUESTION, [1], 10)[1]
        tight = replace(PATIENT, room=PassageRoom(passage=20, answer=30))
        with retriever(remote(1, server.url("long")), terms=tight) as asked:
            less = asked.search(QUESTION, [1], 10)[1]
    assert all(len(p.title) + len(p.text) <= PASSAGE_CHARS for p in found.passages)
    assert sum(len(p.title) + len(p.text) for p in found.passages) <= ANSWER_CHARS
    assert found.shortened == 10
    assert [p.text for p in less.passages] == ["0 word word wor", "1 wor"]
    receipt = found.receipt
    assert receipt.passages == digest_of(LONG)
    check_receipt(
        receipt, source=1, owner=owner_of(1), query=receipt.query, passages=receipt.signed,
        domain=DOMAIN,
    )  # fmt: skip


def test_a_source_of_ones_own_is_bounded_as_well():
    class Own:
        id = 1

        def search(self, query, k):
            return LONG

    found = LocalRetriever([Own()]).search(QUESTION, [1], 10)[1]
    assert sum(len(p.title) + len(p.text) for p in found.passages) <= ANSWER_CHARS
    assert found.shortened == 10
