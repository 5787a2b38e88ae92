import pytest

from rag.routing.trust_bounds import below_floor, is_newcomer, trust_bounds, with_own
from rag.types import Reliability


def test_bounds_close_in_on_the_mean_with_evidence():
    few, many = Reliability(3.0, 1.0), Reliability(300.0, 100.0)
    found = trust_bounds([1, 2], {1: few, 2: many})
    assert found.lower[0] < found.lower[1] < many.mean < found.upper[1] < found.upper[0]


def test_a_bound_is_standard_deviations_of_the_beta_posterior():
    # Beta(4, 2): mean 2/3, variance 4*2 / (6*6*7).
    found = trust_bounds([1, 2], {1: Reliability(3.0, 1.0)})
    assert found.lower[0] == pytest.approx(4 / 6 - 2 * (8 / 252) ** 0.5)
    assert found.upper[0] == 1.0, "never more than certain"
    assert (found.lower[1], found.upper[1]) == (0.0, 1.0)


def test_who_has_little_evidence_is_new():
    assert is_newcomer(Reliability())
    assert is_newcomer(Reliability(3.0, 3.0))
    assert not is_newcomer(Reliability(0.0, 9.0))


def test_only_who_is_surely_bad_is_below_the_floor_and_never_a_newcomer():
    known = {
        1: Reliability(1.0, 99.0),
        2: Reliability(0.0, 2.0),
        3: Reliability(50.0, 50.0),
    }
    assert below_floor([1, 2, 3, 4], known, 0.2) == {1}


def test_what_was_seen_here_counts_where_it_rests_on_more_or_is_surely_worse():
    proven = Reliability(500.0)
    known = {1: proven, 2: proven, 3: Reliability(1.0)}
    own = {1: Reliability(10.0, 1.0), 2: Reliability(2.0, 20.0), 4: Reliability(5.0)}
    assert with_own(known, own) == {1: proven, 2: own[2], 3: known[3], 4: own[4]}
