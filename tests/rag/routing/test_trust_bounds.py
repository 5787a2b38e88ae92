import pytest

from rag.routing.trust_bounds import below_floor, is_newcomer, trust_bounds
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
