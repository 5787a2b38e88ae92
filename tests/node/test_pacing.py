from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.node.pacing import (
    DAY_SECONDS,
    MAX_MULTIPLIER,
    MIN_MULTIPLIER,
    Budget,
    ahead,
    give_back,
    learn,
    left,
    reserve,
    rest,
    today,
)
from chainrep.store.pace import Pace

DAY = 20_000
NOON = DAY * DAY_SECONDS + DAY_SECONDS // 2
BUDGET = Budget(wei_per_day=7_200_000)
EVEN = 1_000
"""Wei per block."""
HALF_SPENT = Pace(multiplier=2**32, block=100, day=DAY, spent=BUDGET.wei_per_day // 2)

paces = st.builds(
    Pace,
    st.integers(MIN_MULTIPLIER, MAX_MULTIPLIER),
    st.integers(1, 10**9),
    st.integers(DAY - 1, DAY + 1),
    st.integers(0, 10**25),
)
budgets = st.builds(Budget, st.integers(1, 10**25), st.integers(1, 864))
times = st.integers(DAY * DAY_SECONDS, (DAY + 1) * DAY_SECONDS - 1)
wei = st.integers(0, 10**25)


def learnt(pace, cost, blocks=1, lump=EVEN):
    return learn(pace, BUDGET, pace.block + blocks, NOON, cost, lump).multiplier


def test_the_price_stays_where_an_even_share_is_spent_every_block():
    assert learnt(HALF_SPENT, EVEN) == HALF_SPENT.multiplier


def test_the_price_falls_while_money_is_saved_and_rises_when_it_is_spent():
    assert learnt(HALF_SPENT, 0) < HALF_SPENT.multiplier < learnt(HALF_SPENT, 2 * EVEN)


def test_blocks_that_nobody_looked_at_count_but_not_for_longer_than_a_hundredth_of_a_day():
    one, ten = (learnt(HALF_SPENT, 0, blocks) for blocks in (1, 10))
    assert ten < one
    assert learnt(HALF_SPENT, 0, 72) == learnt(HALF_SPENT, 0, 10**9)


def test_a_day_that_has_overspent_is_dearer_than_one_that_has_saved():
    poor = replace(HALF_SPENT, spent=BUDGET.wei_per_day * 9 // 10)
    rich = replace(HALF_SPENT, spent=BUDGET.wei_per_day // 10)
    assert learnt(poor, EVEN) > HALF_SPENT.multiplier > learnt(rich, EVEN)


def test_large_lumps_move_the_price_less_for_the_same_money():
    assert learnt(HALF_SPENT, 50 * EVEN, lump=40 * EVEN) < learnt(HALF_SPENT, 50 * EVEN)


@given(paces, budgets, times, wei, wei, st.integers(1, 200))
def test_a_step_is_at_most_eightfold_and_the_price_stays_in_its_range(
    pace, budget, time, cost, lump, blocks
):
    after = learn(pace, budget, pace.block + blocks, time, cost, lump)
    assert type(after.multiplier) is int
    assert MIN_MULTIPLIER <= after.multiplier <= MAX_MULTIPLIER
    assert pace.multiplier // 9 <= after.multiplier <= pace.multiplier * 8
    assert after.spent == today(pace, time).spent


@given(paces, budgets, times, wei, wei, wei)
def test_what_costs_more_never_makes_the_next_batch_cheaper(pace, budget, time, cost, more, lump):
    def price(spent):
        return learn(pace, budget, pace.block + 1, time, spent, lump).multiplier

    assert price(cost) <= price(cost + more)


@given(paces, budgets, times, wei, st.integers(0, 10**9))
def test_a_block_seen_before_teaches_nothing(pace, budget, time, cost, behind):
    block = max(0, pace.block - behind)
    assert learn(pace, budget, block, time, cost, cost) == today(pace, time)


def test_an_unknown_price_stays_unknown_and_a_resting_one_where_it_is():
    unknown = replace(HALF_SPENT, multiplier=0)
    assert learnt(unknown, 5 * EVEN) == 0
    assert rest(HALF_SPENT, 120, NOON) == replace(HALF_SPENT, block=120)


@given(budgets, st.lists(st.tuples(wei, wei, st.integers(0, DAY_SECONDS)), max_size=30))
def test_no_day_spends_more_than_its_budget_whatever_is_reserved_and_paid(budget, orders):
    pace, time, paid = Pace(day=DAY), DAY * DAY_SECONDS, {}
    for drawn, share, seconds in orders:
        time += seconds
        most, day = drawn % (budget.wei_per_day + 1), time // DAY_SECONDS
        cost = share % (most + 1)
        if most > left(pace, budget, time):
            with pytest.raises(InputError, match="not left"):
                reserve(pace, budget, time, most)
            continue
        pace = give_back(reserve(pace, budget, time, most), most - cost)
        paid[day] = paid.get(day, 0) + cost
    assert all(cost <= budget.wei_per_day for cost in paid.values())


def test_money_returned_is_never_more_than_was_spent():
    assert give_back(replace(HALF_SPENT, spent=900), 400).spent == 500
    assert give_back(replace(HALF_SPENT, spent=900), 1_000).spent == 0
    assert give_back(replace(HALF_SPENT, spent=900), -1).spent == 900


def test_a_clock_set_back_to_yesterday_gives_no_second_budget():
    yesterday = NOON - DAY_SECONDS
    assert left(HALF_SPENT, BUDGET, yesterday) == BUDGET.wei_per_day // 2
    assert ahead(HALF_SPENT, BUDGET, yesterday)
    assert reserve(HALF_SPENT, BUDGET, yesterday, 1).day == DAY


def test_spending_is_ahead_once_it_passes_the_even_share_of_the_day():
    assert not ahead(HALF_SPENT, BUDGET, NOON)
    assert ahead(HALF_SPENT, BUDGET, NOON, cost=1)
    assert not ahead(HALF_SPENT, BUDGET, NOON + 12, cost=EVEN)


@pytest.mark.parametrize(("wei_per_day", "block_seconds"), [(0, 12), (-1, 12), (1, 0), (1, 865)])
def test_a_budget_without_money_or_blocks_is_refused(wei_per_day, block_seconds):
    with pytest.raises(InputError, match="at least 1 wei"):
        Budget(wei_per_day, block_seconds)
