"""A source that signs two answers to one query: proven, kept, and not asked again."""

import time
from dataclasses import replace

import pytest

from chainrep.errors import InputError, StoreError
from chainrep.reputation.accusation import Accusation, Conflict, check
from chainrep.reputation.blocklist import build_blocklist
from chainrep.reputation.conflict_file import dump_conflict, parse_conflict
from rag.source import conflicts
from rag.source.conflicts import NOBODY, AccusationBook, find_conflict, read_accusations
from rag.source.receipts import sign_receipt
from rag.types import Found, Passage, Silence
from tests.fakes.hostile_source import CORPUS, HostileServer, honest
from tests.rag.source.asking_town import (
    DOMAIN,
    PATIENT,
    QUESTION,
    key_of,
    owner_of,
    remote,
    retriever,
    signer,
)

QUERY = b"\x01" * 32
PARIS, LYON = [Passage("Paris is the capital.")], [Passage("Lyon is the capital.")]
AGAIN = replace(PATIENT, again_share=1.0, again_within=0.0)


def receipt(passages, corpus=CORPUS, query=QUERY, source=1, at=1_700_000_000):
    return sign_receipt(source, query, corpus, passages, at, DOMAIN, key_of(source))


def accusation():
    return Accusation(NOBODY, owner_of(1), find_conflict(receipt(PARIS), receipt(LYON), DOMAIN))


def wait_until(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_two_answers_to_one_query_are_a_conflict_that_the_blocklist_takes():
    found = accusation()
    check(found, DOMAIN.statements)
    blocked = build_blocklist([found], [], {}, DOMAIN.statements)
    assert blocked.proven == {owner_of(1)}


@pytest.mark.parametrize(
    "other",
    [
        receipt(PARIS, at=1_800_000_000),
        receipt(LYON, corpus=b"\x0d" * 32),
        receipt(LYON, query=b"\x02" * 32),
        receipt(LYON, source=2),
    ],
    ids=["the same at another time", "another corpus", "another query", "another source"],
)
def test_what_an_honest_source_may_sign_is_no_conflict(other):
    assert find_conflict(receipt(PARIS), other, DOMAIN) is None


def test_an_accusation_is_kept_and_read_again(tmp_path):
    folder = tmp_path / "accusations"
    book = AccusationBook(DOMAIN, folder)
    made = book.compare(receipt(LYON), receipt(PARIS), owner_of(1))
    assert made == accusation()
    assert read_accusations(folder, DOMAIN) == [made]
    assert AccusationBook(DOMAIN, folder).accused == {owner_of(1)}
    domain = DOMAIN.statements
    kept = f"{owner_of(1)}-{domain.chain_id}-{domain.ledger}.json"
    assert [path.name for path in folder.iterdir()] == [kept]


def test_a_file_that_proves_nothing_blocks_nobody(tmp_path):
    book = AccusationBook(DOMAIN, tmp_path)
    book.compare(receipt(LYON), receipt(PARIS), owner_of(1))
    (kept,) = tmp_path.iterdir()
    lie = kept.read_bytes().replace(owner_of(1).encode(), owner_of(2).encode())
    (tmp_path / f"{owner_of(2)}.json").write_bytes(lie)
    (tmp_path / f"{owner_of(3)}.json").write_bytes(b"[" * 100_000)
    (tmp_path / f"{owner_of(4)}.json").mkdir()
    assert AccusationBook(DOMAIN, tmp_path).accused == {owner_of(1)}
    elsewhere = replace(DOMAIN, chain_id=1)
    assert AccusationBook(elsewhere, tmp_path).accused == set()


def test_a_folder_that_cannot_be_made_is_said_at_the_start(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be used"):
        AccusationBook(DOMAIN, tmp_path / "file" / "accusations")


def test_an_accusation_counts_even_where_it_cannot_be_kept(tmp_path, caplog):
    folder = tmp_path / "accusations"
    book = AccusationBook(DOMAIN, folder)
    folder.rmdir()
    assert book.compare(receipt(LYON), receipt(PARIS), owner_of(1)) == accusation()
    assert book.accused == {owner_of(1)}
    assert "is not kept" in caplog.text


def test_a_conflict_file_is_read_as_it_was_written():
    content = dump_conflict(accusation(), DOMAIN.statements)
    assert parse_conflict(content) == (accusation(), DOMAIN.statements)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"conflict 1", b"conflict 2"),
        (b'"slot": "0x', b'"slot": "0y'),
        (b'"chain_id": 31337', b'"chain_id": true'),
        (b'"chain_id": 31337', b'"chain_id": -1'),
        (owner_of(1).encode(), owner_of(1).lower().encode()),
        (b'"first": "0x', b'"first": "0x00'),
        (b"{", b"[" * 3_000),
        (b"{", b"\xff"),
        (b"{", b" " * 5_000 + b"{"),
    ],
)
def test_a_conflict_file_with_something_wrong_is_refused(old, new):
    content = dump_conflict(accusation(), DOMAIN.statements)
    assert old in content
    with pytest.raises(InputError):
        parse_conflict(content.replace(old, new))


def test_a_source_that_contradicts_itself_is_found_out_accused_and_asked_no_more(tmp_path):
    def changes_its_mind(visit):
        passages = PARIS if server.count("two") % 2 else LYON
        visit.send(signer(1).answer(visit.query, passages=passages))

    with HostileServer() as server:
        server.behaviours |= {"two": changes_its_mind, "honest": honest(signer(2))}
        sources = remote(1, server.url("two")), remote(2, server.url("honest"))
        book = AccusationBook(DOMAIN, tmp_path)
        with retriever(*sources, terms=AGAIN, book=book) as asked:
            first = asked.search(QUESTION, [1, 2], 3)
            assert all(isinstance(each, Found) for each in first.values())
            wait_until(lambda: server.count("two") == 2 and server.count("honest") == 2)
            wait_until(lambda: book.accused)
            second = asked.search(QUESTION, [1, 2], 3)
        assert second[1] == Silence(1, "is blocked: its key signed two answers to one query")
        assert isinstance(second[2], Found)
        assert server.count("two") == 2
    (kept,) = read_accusations(tmp_path, DOMAIN)
    check(kept, DOMAIN.statements)
    assert isinstance(kept.proof, Conflict)
    assert kept.accused == owner_of(1)


def test_a_program_that_closes_soon_finds_out_as_well_who_contradicts_itself():
    def changes_its_mind(visit):
        passages = PARIS if server.count("two") % 2 else LYON
        visit.send(signer(1).answer(visit.query, passages=passages))

    book = AccusationBook(DOMAIN)
    with HostileServer() as server:
        server.behaviours["two"] = changes_its_mind
        terms = replace(AGAIN, again_within=3_600.0)
        with retriever(remote(1, server.url("two")), terms=terms, book=book) as asked:
            asked.search(QUESTION, [1], 3)
            assert server.count("two") == 1
            asked.settle(20.0)
            assert book.accused == {owner_of(1)}
            assert server.count("two") == 2


def test_where_too_many_are_accused_the_accusation_is_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr(conflicts, "MAX_ACCUSED", 0)
    book = AccusationBook(DOMAIN)
    assert book.compare(receipt(LYON), receipt(PARIS), owner_of(1)) == accusation()
    assert book.accused == set()
    assert "too many are accused" in caplog.text
    assert str(accusation().proof) in caplog.text


def test_the_same_is_asked_again_through_a_connection_of_its_own_with_the_same_salt():
    asked_for = []

    def note(visit):
        asked_for.append((visit.body, visit.headers.get("Connection")))
        visit.send(signer(1).answer(visit.query))

    with HostileServer({"note": note}) as server:
        with retriever(remote(1, server.url("note")), terms=AGAIN) as asked:
            asked.search(QUESTION, [1], 3)
            wait_until(lambda: len(asked_for) == 2)
        assert server.connections == 2
    (first, kept), (second, fresh) = asked_for
    assert first == second
    assert (kept, fresh) == (None, "close")


def test_a_source_that_reindexed_or_was_away_the_second_time_is_not_accused():
    def reindexes(visit):
        n = server.count("new")
        passages = PARIS if n % 2 else LYON
        visit.send(signer(1).answer(visit.query, passages=passages, corpus=bytes([n]) * 32))

    def goes_away(visit):
        if server.count("away") == 1:
            visit.send(signer(2).answer(visit.query))
        else:
            visit.reset()

    with HostileServer() as server:
        server.behaviours |= {"new": reindexes, "away": goes_away}
        sources = remote(1, server.url("new")), remote(2, server.url("away"))
        book = AccusationBook(DOMAIN)
        with retriever(*sources, terms=AGAIN, book=book) as asked:
            asked.search(QUESTION, [1, 2], 3)
            wait_until(lambda: server.count("new") == 2 and server.count("away") == 2)
            time.sleep(0.1)
            assert [health.failures for health in asked.health()] == [0, 0]
        assert book.accused == set()
