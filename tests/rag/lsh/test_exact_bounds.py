"""Exact bounds: against scipy, and against what they claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rag.errors import CalibrationError
from rag.lsh.exact_bounds import (
    allowed_events,
    independent_worth,
    lower_bound,
    needed_trials,
    smallest_threshold,
    upper_bound,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3_000), st.integers(1, 300_000), st.floats(0.5, 0.99999))
def test_the_upper_bound_is_the_quantile_of_clopper_and_pearson(events, trials, confidence):
    events = min(events, trials)
    expected = stats.beta.ppf(confidence, events + 1, trials - events) if events < trials else 1.0
    assert upper_bound(events, trials, confidence) == pytest.approx(expected, rel=1e-7)


def test_the_lower_bound_mirrors_the_upper_one():
    assert lower_bound(0, 50, 0.95) == 0.0
    assert lower_bound(7, 50, 0.95) == pytest.approx(stats.beta.ppf(0.05, 7, 44), rel=1e-9)


def test_thirty_thousand_windows_are_needed_for_one_in_ten_thousand():
    needed = needed_trials(1e-4, 0.95)
    assert needed == 29_956
    assert upper_bound(0, needed, 0.95) <= 1e-4 < upper_bound(0, needed - 1, 0.95)


def test_one_more_event_than_allowed_would_break_the_bound():
    for trials in (300, 2_995, 10_000, 123_456):
        allowed = allowed_events(trials, 0.01, 0.95)
        assert upper_bound(allowed, trials, 0.95) <= 0.01 < upper_bound(allowed + 1, trials, 0.95)


def test_too_few_runs_say_how_many_are_needed():
    with pytest.raises(CalibrationError, match="at least 29,956 independent"):
        smallest_threshold(np.zeros(29_955), 1e-4, 0.95)


def test_a_threshold_is_exceeded_more_often_than_claimed_in_few_calibrations_only():
    rng = np.random.default_rng(1)
    bound, confidence = 0.02, 0.9
    broken = 0
    for _ in range(2_000):
        threshold, rate = smallest_threshold(rng.random(500), bound, confidence)
        assert rate <= bound
        broken += 1.0 - threshold > bound
    assert 0 < broken / 2_000 <= 0.1 + 3 * (0.09 / 2_000) ** 0.5


def test_no_smaller_value_would_do_as_a_threshold():
    distances = np.arange(1_000, dtype=np.float64)
    threshold, _ = smallest_threshold(distances[::-1], 0.02, 0.95)
    assert threshold == 999 - allowed_events(1_000, 0.02, 0.95)


def test_values_that_hang_together_are_worth_less():
    rng = np.random.default_rng(2)
    alone = [rng.normal(size=8) for _ in range(500)]
    assert independent_worth(alone) > 3_000
    twins = [np.full(8, rng.normal()) for _ in range(500)]
    assert independent_worth(twins) == 500
    half = [rng.normal() + rng.normal(size=8) for _ in range(2_000)]
    assert independent_worth(half) == pytest.approx(16_000 / (1 + 7 * 0.5), rel=0.1)
    assert independent_worth([np.zeros(4), np.zeros(4)]) == 8
    assert independent_worth([]) == 0


def test_a_sample_worth_less_gets_a_safer_threshold():
    distances = np.random.default_rng(3).normal(size=20_000)
    plain, _ = smallest_threshold(distances, 0.01, 0.95)
    careful, rate = smallest_threshold(distances, 0.01, 0.95, independent=1_000)
    assert careful > plain
    assert rate <= 0.01


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: upper_bound(3, 2, 0.9),
        lambda: upper_bound(-1, 2, 0.9),
        lambda: upper_bound(0, 0, 0.9),
        lambda: upper_bound(0, 10**9, 0.9),
        lambda: upper_bound(1, 2, 1.0),
        lambda: needed_trials(0.0, 0.9),
        lambda: needed_trials(0.1, 1.0),
        lambda: smallest_threshold(np.array([np.nan] * 400), 0.01, 0.95),
        lambda: smallest_threshold(np.zeros((400, 2)), 0.01, 0.95),
    ],
)
def test_claims_without_a_sample_are_refused(wrong):
    with pytest.raises(CalibrationError):
        wrong()
