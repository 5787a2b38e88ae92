"""The benchmark behind the figures on a budget keeps the rules that it says it keeps."""

from itertools import pairwise

import numpy as np
import pytest

from chainrep.node.flush_policy import FlushPolicy
from scripts.benchmarks.relay import lanes
from scripts.benchmarks.relay.budget import NEVER, budget_of
from scripts.benchmarks.relay.spending import by_count_and_age, paced, spend
from scripts.benchmarks.relay.trace import TIP, seeded_trace


@pytest.fixture(scope="module")
def trace():
    return seeded_trace(5_000, days=1)


def test_no_base_fee_moves_by_more_than_an_eighth_from_block_to_block(trace):
    fees = [price - TIP for price in trace.prices]
    assert all(7 / 8 - 1e-6 <= b / a <= 9 / 8 + 1e-6 for a, b in pairwise(fees))
    assert trace == seeded_trace(5_000, days=1)


def test_peers_chosen_with_arrays_do_as_well_where_they_are_measured(trace):
    budget, count = budget_of("tight"), 60
    rule = lanes.when_full(np.array([float(count)]))
    quick = lanes.values([trace], budget.wei_per_day, rule, 1)[0, 0]
    exact = spend(trace, budget, by_count_and_age(count, NEVER, budget))
    assert quick == pytest.approx(exact.value, rel=2e-3)
    assert exact.overspent_days == 0


def test_the_same_trace_lived_through_twice_ends_alike_and_within_the_budget(trace):
    budget = budget_of("loose")
    policy = FlushPolicy(budget=budget)
    once = spend(trace, budget, paced(policy))
    assert once == spend(trace, budget, paced(policy))
    assert once.overspent_days == 0
    assert 0 < once.spent <= 1
