import pytest

from rag.scoring.copies import CopyBook


def test_shared_mistakes_betray_copies_and_shared_truths_do_not():
    book = CopyBook()
    for number in range(12):
        lie, truth = f"lie {number}", f"truth {number}"
        answers = {1: truth, 2: truth, 3: lie, 4: lie}
        book.learn(answers, {v: answers[v] == truth for v in answers})
    assert book.dependence(3, 4) == book.dependence(4, 3) > 0.95
    assert book.dependence(1, 2) == book.prior
    assert book.dependence(1, 3) < book.prior


def test_two_who_err_each_in_its_own_way_are_independent():
    book = CopyBook()
    for number in range(5):
        book.learn({1: f"a {number}", 2: f"b {number}"}, {1: False, 2: False})
    assert book.dependence(1, 2) < 0.001


def test_a_group_of_copies_counts_as_little_more_than_one_vote():
    book = CopyBook()
    for number in range(20):
        answers = dict.fromkeys(range(4), f"lie {number}")
        book.learn(answers, dict.fromkeys(answers, False))
    together = book.discounted(dict.fromkeys(range(4), "lie"), dict.fromkeys(range(4), 1.0))
    assert 1.0 <= sum(together.values()) < 1.35
    apart = book.discounted({0: "lie", 1: "truth"}, {0: 1.0, 1: 1.0})
    assert apart == {0: 1.0, 1: 1.0}


def test_the_heaviest_of_a_group_keeps_its_weight():
    book = CopyBook(prior=0.5)
    weights = book.discounted({1: "a", 2: "a"}, {1: 1.0, 2: 3.0})
    assert weights[2] == 3.0
    assert weights[1] == pytest.approx(1.0 - book.copied * 0.5)


def test_two_wordings_of_which_gold_takes_one_tell_nothing_of_copying():
    book = CopyBook()
    for number in range(12):
        book.learn(dict.fromkeys((1, 2), f"12 March {number}"), {1: False, 2: True})
    assert book.dependence(1, 2) == book.prior
