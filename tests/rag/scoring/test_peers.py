import pytest

from rag.scoring.peers import agreements

EQUAL = dict.fromkeys(range(6), 1.0)


def test_who_agrees_with_the_others_is_supported_and_who_does_not_is_contradicted():
    found = agreements({0: "a", 1: "a", 2: "a", 3: "b"}, EQUAL)
    assert found[3] == (0.0, 1.0)
    assert found[0] == found[1] == found[2] == pytest.approx((1 / 3, 0.0))


def test_nobodys_own_vote_supports_it():
    heavy = {0: 100.0, 1: 1.0, 2: 1.0}
    assert agreements({0: "a", 1: "b", 2: "b"}, heavy)[0] == (0.0, 1.0)


def test_a_copy_is_no_witness():
    answers = {0: "a", 1: "a", 2: "b"}
    assert agreements(answers, EQUAL)[0] == (0.0, 0.0)
    apart = agreements(answers, EQUAL, lambda a, b: 0.0 if {a, b} == {0, 1} else 1.0)
    assert apart[0] == (0.0, 1.0)


def test_nothing_is_learned_where_all_agree_or_nobody_else_counts():
    assert agreements({0: "a", 1: "a"}, EQUAL) == {}
    assert agreements({0: "a", 1: "b"}, {0: 0.0, 1: 0.0}) == {}
    assert agreements({}, EQUAL) == {}
