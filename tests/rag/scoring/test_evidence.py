import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.scoring.evidence import MAX_TALLIES, EvidenceBook, Limit

amounts = st.floats(0.0, 50.0)


def a_book(**settings):
    return EvidenceBook({"peer": Limit(1.0), "own": Limit(1.0, 4.0)}, **settings)


def test_without_evidence_a_source_has_the_prior():
    assert a_book(prior=(2.0, 3.0)).posterior(1, 0.0) == (2.0, 3.0)
    assert a_book(prior=(2.0, 3.0)).mean(1, 0.0, "history") == pytest.approx(0.4)


def test_gold_counts_in_full():
    book = a_book()
    book.add(1, "gold", 3.0, 1.0, 0.0)
    assert book.posterior(1, 0.0) == (4.0, 2.0)


def test_peers_without_gold_count_for_nothing():
    book = a_book()
    book.add(1, "peer", 1_000.0, 0.0, 0.0)
    assert book.posterior(1, 0.0) == (1.0, 1.0)


@given(amounts, amounts, amounts, amounts)
def test_peers_never_outweigh_gold(gold_for, gold_against, peers_for, peers_against):
    book = a_book()
    book.add(1, "gold", gold_for, gold_against, 0.0)
    book.add(1, "peer", peers_for, peers_against, 0.0)
    evidence = sum(book.posterior(1, 0.0)) - 2.0
    gold = gold_for + gold_against
    assert evidence <= 2.0 * gold + 1e-6
    # Where peers and gold disagree as much as they can, gold decides.
    if gold_against == 0.0 and gold_for > 0.0:
        assert book.mean(1, 0.0) >= 0.5 - 1e-9


def test_users_count_in_full_and_the_own_model_up_to_its_floor():
    book = a_book()
    book.add(1, "user", 2.0, 0.0, 0.0)
    book.add(1, "own", 0.0, 100.0, 0.0)
    assert book.posterior(1, 0.0) == pytest.approx((3.0, 5.0))


def test_evidence_fades_by_half_in_a_half_life_and_the_prior_does_not():
    book = a_book(half_life=10.0)
    book.add(1, "gold", 8.0, 4.0, 0.0)
    assert book.posterior(1, 10.0) == pytest.approx((5.0, 3.0))
    book.add(1, "gold", 1.0, 0.0, 20.0)
    assert book.posterior(1, 20.0) == pytest.approx((4.0, 2.0))


def test_a_specialist_is_known_as_one():
    book = a_book(topic_prior=2.0)
    for _ in range(10):
        book.add(1, "gold", 1.0, 0.0, 0.0, "history")
        book.add(1, "gold", 0.0, 1.0, 0.0, "sport")
    assert book.mean(1, 0.0) == 0.5
    assert book.mean(1, 0.0, "history") > 0.85
    assert book.mean(1, 0.0, "sport") < 0.15
    assert book.mean(1, 0.0, "music") == 0.5


def test_what_is_forgotten_counts_less_for_one_source_alone():
    book = a_book()
    for source in (1, 2):
        book.add(source, "gold", 10.0, 0.0, 0.0)
    book.forget(1, 0.1)
    assert book.posterior(1, 0.0) == pytest.approx((2.0, 1.0))
    assert book.posterior(2, 0.0) == (11.0, 1.0)


def test_gold_on_one_topic_buys_peers_no_say_on_another():
    book = EvidenceBook({"peer": Limit(1.0)})
    for time in range(20):
        book.add(1, "gold", 1.0, 0.0, time, "history")
        book.add(1, "peer", 0.0, 1.0, time, "sport")
    assert book.mean(1, 20, "sport") > 0.4


def test_a_soft_ledger_is_forgotten_alone():
    book = EvidenceBook({"peer": Limit(1.0)})
    book.add(1, "gold", 10.0, 0.0, 0)
    book.add(1, "peer", 0.0, 10.0, 0)
    book.forget(1, 0.1, ("peer",))
    assert book.posterior(1, 0) == pytest.approx((11.0, 2.0))


def test_a_full_book_forgets_what_has_the_least_gold_and_not_what_is_oldest():
    book = a_book()
    book.add(1, "gold", 5.0, 0.0, 0.0, "history")
    for source in range(2, MAX_TALLIES + 2):
        book.add(source, "peer", 0.0, 1.0, 0.0)
    assert book.mean(1, 0.0, "history") > 0.8
    assert book.gold(1, 0.0) == (5.0, 0.0)
