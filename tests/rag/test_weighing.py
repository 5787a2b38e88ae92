import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Reliability
from rag.weighing import vote_weights

GOOD = Reliability(supported=98.0)
POOR = Reliability(supported=10.0, contradicted=40.0)
COUNTS = st.floats(0, 1000)
RELIABILITIES = st.builds(Reliability, COUNTS, COUNTS, COUNTS, COUNTS)


def test_without_evidence_all_sources_weigh_the_same():
    assert vote_weights([1, 2, 3], {}, [1, 2, 3]) == {1: 1.0, 2: 1.0, 3: 1.0}


def test_a_weight_is_the_log_odds_of_the_posterior_mean():
    assert vote_weights([1], {1: GOOD}, [1])[1] == pytest.approx(math.log(99))


def test_who_is_wrong_more_often_than_right_weighs_nothing():
    assert vote_weights([1, 2, 3], {1: GOOD, 2: POOR}, [1, 2, 3]) == {
        1: pytest.approx(math.log(99)),
        2: 0.0,
        3: 0.0,
    }


def test_when_nobody_deserves_weight_the_least_bad_lead_and_equals_count_the_same():
    weights = vote_weights([1, 2, 3], {1: POOR, 2: POOR}, [1, 2, 3])
    assert weights[1] == weights[2] == pytest.approx(11 / 41)
    assert weights[3] == 1.0, "nothing is known of it"


def test_known_liars_do_not_gain_by_the_silence_of_who_would_have_overruled_them():
    weights = vote_weights([1, 2, 3], {1: GOOD, 2: POOR}, [2, 3])
    assert weights[2] < weights[3] == 1.0
    assert weights[1] == math.inf


@given(st.dictionaries(st.integers(0, 2**32 - 1), RELIABILITIES, min_size=1))
def test_weights_of_who_answered_are_finite_never_negative_and_never_all_zero(known):
    weights = vote_weights(known, known, known)
    assert all(math.isfinite(w) and w >= 0 for w in weights.values())
    assert any(weights.values())


@given(COUNTS, st.floats(0, 999), st.floats(0.1, 1000))
def test_more_support_never_lowers_a_weight(contradicted, supported, more):
    known = {
        1: Reliability(supported, contradicted),
        2: Reliability(supported + more, contradicted),
        3: GOOD,
    }
    weights = vote_weights([1, 2, 3], known, [1, 2, 3])
    assert weights[1] <= weights[2]
