import random

import pytest

from rag.source.hedging import LEAST, SHORTEST_SECONDS, HedgeBudget, Latencies


def test_nothing_is_late_before_enough_is_known():
    known = Latencies()
    for _ in range(LEAST - 1):
        known.answered(0.1)
    assert known.late() is None
    known.answered(0.1)
    assert known.late() == 0.1


def test_late_is_later_than_nineteen_of_twenty():
    known = Latencies()
    seconds = [i / 100 for i in range(1, 101)]
    random.Random(3).shuffle(seconds)  # noqa: S311 (repeatable)
    for each in seconds:
        known.answered(each)
    assert known.late() == 0.95


def test_what_was_long_ago_is_forgotten():
    known = Latencies()
    for _ in range(200):
        known.answered(9.0)
    for _ in range(128):
        known.answered(0.2)
    assert known.late() == 0.2


def test_a_fast_source_is_not_hurried():
    known = Latencies()
    for _ in range(50):
        known.answered(0.0001)
    assert known.late() == SHORTEST_SECONDS


def test_waiting_in_vain_costs_but_does_not_make_answers_later():
    known = Latencies()
    for _ in range(50):
        known.answered(0.1)
    known.in_vain(3.0)
    assert known.late() == 0.1
    assert known.mean == pytest.approx(0.1 + 0.2 * 2.9)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.25])
def test_second_requests_are_never_more_than_their_share(share):
    budget = HedgeBudget(share)
    for first in range(1, 1_001):
        budget.earn()
        while budget.spend():
            pass
        assert budget.spent <= share * first + 1e-6
    assert budget.spent >= int(share * 1_000) - 1


def test_quiet_times_are_not_saved_up_for_a_storm():
    budget = HedgeBudget(0.1)
    for _ in range(1_000):
        budget.earn()
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]
