import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.source.breaker import Breaker, BreakerTerms

TERMS = BreakerTerms(failures=3, pause=2.0, longest=60.0)


def breaker(terms=TERMS):
    return Breaker(terms, random.Random(1))  # noqa: S311 (repeatable)


def opened(at=0.0):
    made = breaker()
    for _ in range(3):
        assert made.admit(at)
        made.failed(at)
    return made


def test_it_stays_closed_while_failures_are_not_in_a_row():
    made = breaker()
    for _ in range(10):
        for _ in range(2):
            assert made.admit(0.0)
            made.failed(0.0)
        assert made.admit(0.0)
        made.succeeded()
    assert made.state(0.0) == "closed"


def test_it_opens_after_failures_in_a_row_and_lets_nothing_pass():
    made = opened()
    assert made.state(0.0) == "open"
    assert 1.0 <= made.rests_for(0.0) <= 2.0
    assert not made.admit(0.9)


def test_after_its_pause_one_request_is_let_through_to_try():
    made = opened()
    assert made.state(2.0) == "half open"
    assert made.admit(2.0)
    assert not made.admit(2.0)
    made.succeeded()
    assert made.state(2.0) == "closed"
    assert made.admit(2.0)


def test_each_trial_that_fails_makes_the_pause_longer_up_to_a_bound():
    made, now, pauses = opened(), 0.0, []
    for _ in range(12):
        now += made.rests_for(now)
        assert made.admit(now)
        made.failed(now)
        pauses.append(made.rests_for(now))
    assert all(2.0 * 2.0**i <= pause <= 4.0 * 2.0**i for i, pause in enumerate(pauses[:4]))
    assert all(30.0 <= pause <= 60.0 for pause in pauses[5:])


def test_after_an_answer_the_pauses_are_short_again():
    made = opened()
    for now in (10.0, 100.0, 1_000.0):
        assert made.admit(now)
        made.failed(now)
    assert made.admit(10_000.0)
    made.succeeded()
    for _ in range(3):
        made.failed(10_000.0)
    assert made.rests_for(10_000.0) <= 2.0


def test_a_rest_that_was_asked_for_is_given_but_not_without_end():
    asked, greedy = breaker(), breaker()
    asked.failed(0.0, rest=30.0)
    greedy.failed(0.0, rest=10**9)
    assert asked.rests_for(0.0) == 30.0
    assert greedy.rests_for(0.0) == 60.0


def test_failures_of_requests_from_before_it_opened_change_nothing():
    made = opened()
    before = made.rests_for(0.0)
    for _ in range(20):
        made.failed(0.0)
    assert made.rests_for(0.0) == before


def test_those_who_failed_together_do_not_return_together():
    chance = random.Random(2)  # noqa: S311 (repeatable)
    pauses = set()
    for _ in range(20):
        made = Breaker(BreakerTerms(failures=1, pause=8.0), chance)
        made.failed(0.0)
        pauses.add(round(made.rests_for(0.0), 1))
    assert len(pauses) > 10


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.booleans()), max_size=60))
def test_a_source_that_comes_back_is_asked_again_within_the_longest_pause(events):
    made, now = breaker(), 0.0
    for wait, answers in events:
        now += wait
        if made.admit(now):
            made.succeeded() if answers else made.failed(now)
    now += made.rests_for(now)
    assert made.rests_for(now) == 0.0
    assert made.admit(now)
    made.succeeded()
    assert made.state(now) == "closed"
