import math

from hypothesis import given
from hypothesis import strategies as st

from chainrep.node.power_of_two import ONE
from chainrep.node.waiting import HALF_LIFE, Waiting, urgency, weigh, worth
from chainrep.protocol.types import Feedback, FeedbackKind

NOW = 1_700_000_000


def record(source=1, age=0, supported=100, contradicted=0, used=0, asked=100):
    return Feedback(
        "k",
        source,
        FeedbackKind.GOLD,
        bytes(32),
        supported,
        contradicted,
        used,
        asked,
        NOW - age,
    )


@given(st.integers(1, 10 * HALF_LIFE), st.integers(60, 100_000))
def test_urgency_is_the_age_in_half_lives_times_what_is_left_of_the_worth(age, half_life):
    part = age / half_life
    assert math.isclose(urgency(age, half_life) / ONE, part * 2**-part, rel_tol=1e-4, abs_tol=1e-6)


@given(st.integers(600, 4 * HALF_LIFE), st.floats(0.001, 10))
def test_urgency_equals_the_cost_at_the_wait_that_yields_most_per_second(best_wait, rate):
    """The model's closed form: choose the cost for which this wait is best, by its yield alone."""
    k = math.log(2) / HALF_LIFE
    gathered = rate * (1 - math.exp(-k * best_wait)) / k
    cost = gathered - best_wait * rate * math.exp(-k * best_wait)

    def per_second(wait):
        return (rate * (1 - math.exp(-k * wait)) / k - cost) / wait

    assert all(per_second(best_wait) >= per_second(best_wait * f) for f in (0.5, 0.9, 1.1, 2))
    steps = 400
    ages = [(i + 0.5) * best_wait / steps for i in range(steps)]
    summed = sum(urgency(round(age), HALF_LIFE) for age in ages) * rate * best_wait / steps
    assert math.isclose(math.log(2) * summed / ONE, cost, rel_tol=5e-3)


def test_evidence_is_what_was_judged_or_else_that_somebody_asked():
    assert worth(record(supported=60, contradicted=30, used=20, asked=50)) == 90
    assert worth(record(supported=0, used=20, asked=100)) == 100


def test_what_waits_is_summed_by_source_with_the_oldest_first():
    records = [record(2, 10), record(1, 50), record(2, 90)]
    both = 100 * (urgency(10, HALF_LIFE) + urgency(90, HALF_LIFE))
    assert weigh(records, NOW, HALF_LIFE) == [
        Waiting(2, both, NOW - 90),
        Waiting(1, 100 * urgency(50, HALF_LIFE), NOW - 50),
    ]


def test_feedback_from_the_future_has_no_age_yet():
    assert weigh([record(age=-500)], NOW, HALF_LIFE) == [Waiting(1, 0, NOW)]
