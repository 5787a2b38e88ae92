import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.node.batch_gas import KNOWN, fixed_gas, gas_limit, source_gas
from chainrep.node.batching import next_batch
from chainrep.node.flush_policy import FlushPolicy, Market, decide
from chainrep.node.pacing import DAY_SECONDS, Budget, give_back, left, reserve
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.store.pace import Pace

GWEI = 10**9
DAY = 20_000
NOON = DAY * DAY_SECONDS + DAY_SECONDS // 2
MARKET = Market(block=500, time=NOON, price=20 * GWEI, max_price=40 * GWEI)
BUDGET = Budget(10_000_000 * 20 * GWEI)
PACED = FlushPolicy(budget=BUDGET)
UNKNOWN = Pace()
KNOWN_PRICE = Pace(multiplier=2**36, block=499, day=DAY, spent=BUDGET.wei_per_day // 2)
"""Exactly on the even line at noon."""


def record(source=1, age=60, supported=100, now=NOON):
    return Feedback(
        "k", source, FeedbackKind.GOLD, bytes(32), supported, 0, 0, supported, now - age
    )


def sources(policy, records, pace=UNKNOWN, market=MARKET, unscored=()):
    return sorted(decide(policy, pace, records, market, unscored).sources)


def test_everything_goes_once_enough_sources_wait():
    policy = FlushPolicy(flush_at=3)
    assert sources(policy, [record(1), record(2), record(1)]) == []
    assert sources(policy, [record(1), record(2), record(3)]) == [1, 2, 3]


def test_everything_goes_once_the_oldest_has_waited_long_enough():
    policy = FlushPolicy(max_age=300)
    assert sources(policy, [record(1, age=299), record(2)]) == []
    assert sources(policy, [record(1, age=300), record(2)]) == [1, 2]


def test_the_oldest_sources_go_first_where_not_all_fit_into_a_batch():
    policy = FlushPolicy(max_updates=2, flush_at=100)
    assert sources(policy, [record(5, 10), record(6, 30), record(7, 20)]) == [6, 7]


def test_a_batch_whose_evidence_is_full_goes_though_few_sources_wait():
    assert sources(FlushPolicy(), [record(1)] * MAX_RECORDS) == [1]


def test_nothing_goes_above_the_ceiling_and_the_reason_says_so():
    policy = FlushPolicy(flush_at=1, max_fee=19 * GWEI)
    decision = decide(policy, Pace(), [record()], MARKET)
    assert not decision.sources
    assert decision.reason == "the fee of 20 gwei is above the ceiling of 19"
    assert sources(replace(policy, max_fee=20 * GWEI), [record()]) == [1]


def test_reasons_say_what_waits_and_for_how_long():
    decision = decide(FlushPolicy(), Pace(), [record(1, 4_000), record(2)], MARKET)
    assert decision.reason == "2 sources wait, the oldest for 4,000 s"
    assert decide(FlushPolicy(), Pace(), [], MARKET).reason == "nothing waits"


def test_draining_sends_a_judgement_made_this_second_but_not_above_the_ceiling():
    drain = FlushPolicy(flush_at=1, max_age=0)
    assert sources(drain, [record(age=0)]) == [1]
    assert sources(replace(drain, max_fee=1), [record(age=0)]) == []


def test_without_a_budget_nothing_is_learnt():
    for records in ([], [record()], [record(age=4_000)]):
        assert decide(FlushPolicy(), KNOWN_PRICE, records, MARKET).pace == KNOWN_PRICE


def test_with_a_budget_the_first_batch_waits_until_the_even_share_has_saved_up_for_it():
    cost = (fixed_gas(1) + 2 * KNOWN) * MARKET.price
    saved = -(-cost * DAY_SECONDS // BUDGET.wei_per_day)
    early = decide(PACED, Pace(), [record(1, saved - 1), record(2, 5)], MARKET)
    assert (early.sources, early.pace.multiplier) == (frozenset(), 0)
    first = decide(PACED, Pace(), [record(1, saved), record(2, 5)], MARKET)
    assert first.sources == {1, 2}
    assert first.pace.multiplier > 0


def test_only_sources_worth_their_gas_go():
    stale, fresh = record(1, 7_200, 5_000), record(2, 24)
    assert sources(PACED, [stale, fresh], KNOWN_PRICE) == [1]


def test_a_source_without_a_score_needs_more_urgency_because_it_costs_more():
    records = [record(source, 3_000, 1_600) for source in range(6)]
    assert sources(PACED, records, KNOWN_PRICE) == [0, 1, 2, 3, 4, 5]
    assert sources(PACED, records, KNOWN_PRICE, unscored={2}) == [0, 1, 3, 4, 5]


def test_the_same_feedback_goes_at_a_low_price_of_gas_and_waits_at_a_high_one():
    records = [record(1, 3_000, 3_000)]
    low = replace(MARKET, price=5 * GWEI)
    high = replace(MARKET, price=30 * GWEI)
    assert sources(PACED, records, KNOWN_PRICE, low) == [1]
    assert sources(PACED, records, KNOWN_PRICE, high) == []


def test_old_feedback_that_is_not_worth_its_gas_goes_when_money_is_saved_up_for_it():
    records = [record(1, PACED.max_age, 1), record(2, 10, 1)]
    behind = replace(KNOWN_PRICE, spent=KNOWN_PRICE.spent - (fixed_gas(1) + KNOWN) * MARKET.price)
    assert sources(PACED, records, behind) == [1]
    assert sources(PACED, records, replace(behind, spent=behind.spent + 1)) == []


def test_a_batch_needs_its_whole_reserve_to_be_left_of_the_day():
    urgent = [record(source, 7_200, 60_000) for source in (1, 2)]
    both = gas_limit(fixed_gas(1) + 2 * KNOWN) * MARKET.max_price
    one = gas_limit(fixed_gas(1) + KNOWN) * MARKET.max_price

    def with_left(wei):
        pace = replace(KNOWN_PRICE, spent=BUDGET.wei_per_day - wei)
        return decide(PACED, pace, urgent, MARKET)

    assert with_left(both).sources == {1, 2}
    assert len(with_left(both - 1).sources) == 1
    assert "left of today's budget" in with_left(one - 1).reason


@pytest.mark.parametrize(
    ("records", "policy", "spent"),
    [
        ([], PACED, 0),
        ([record()], replace(PACED, max_fee=GWEI), 0),
        ([record()], PACED, BUDGET.wei_per_day),
    ],
)
def test_the_price_rests_when_nothing_waits_or_nothing_may_be_sent(records, policy, spent):
    pace = replace(KNOWN_PRICE, spent=spent)
    assert decide(policy, pace, records, MARKET).pace == replace(pace, block=MARKET.block)


def test_a_chain_that_takes_no_fee_is_no_division_by_zero():
    free = replace(MARKET, price=0, max_price=0)
    assert sources(PACED, [record(age=600)], Pace(), free) == [1]
    assert sources(PACED, [record(age=600)], KNOWN_PRICE, free) == [1]


@pytest.mark.parametrize(
    "wrong",
    [{"max_updates": 0}, {"flush_at": 0}, {"max_age": -1}, {"max_fee": 0}, {"half_life": 0}],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match="at least"):
        FlushPolicy(**wrong)


records = st.lists(
    st.builds(record, st.integers(1, 8), st.integers(-100, 10**6), st.integers(0, 65_535)),
    max_size=30,
)
paces = st.builds(
    Pace,
    st.one_of(st.just(0), st.integers(2**10, 2**62)),
    st.integers(0, 10**6),
    st.integers(DAY - 1, DAY + 1),
    st.integers(0, 2 * BUDGET.wei_per_day),
)
markets = st.builds(
    lambda block, price, tip, time: Market(block, time, price, 2 * price + tip),
    st.integers(0, 10**6),
    st.integers(0, 10**13),
    st.integers(0, 10**10),
    st.integers(NOON - DAY_SECONDS // 2, NOON + DAY_SECONDS // 2 - 1),
)
policies = st.builds(
    FlushPolicy,
    max_updates=st.integers(1, 10),
    flush_at=st.integers(1, 10),
    max_age=st.integers(0, 10**5),
    max_fee=st.one_of(st.none(), st.integers(1, 10**13)),
    budget=st.one_of(st.none(), st.builds(Budget, st.integers(1, 10**20), st.integers(1, 864))),
)


@given(policies, paces, records, markets, st.frozensets(st.integers(1, 8)))
def test_what_is_decided_waits_fits_and_can_be_paid_and_is_decided_again_alike(
    policy, pace, pending, market, unscored
):
    decision = decide(policy, pace, pending, market, unscored)
    chosen = decision.sources
    assert decision == decide(policy, pace, list(pending), market, unscored)
    assert all(type(n) is int for n in (decision.pace.multiplier, decision.pace.spent))
    assert chosen <= {one.source for one in pending}
    assert len(chosen) <= policy.max_updates
    if chosen and policy.max_fee is not None:
        assert market.price <= policy.max_fee
    if chosen and policy.budget is not None:
        gas = fixed_gas(market.signatures) + sum(source_gas(s, unscored) for s in chosen)
        reserve(decision.pace, policy.budget, market.time, gas_limit(gas) * market.max_price)


@given(policies, paces, records, markets)
def test_a_block_seen_twice_is_learnt_from_once(policy, pace, pending, market):
    known = replace(pace, multiplier=max(pace.multiplier, 2**10))
    once = decide(policy, known, pending, market).pace
    assert decide(policy, once, pending, market).pace == once


def test_a_seeded_week_never_overspends_and_brings_more_than_flushing_when_full():
    block_seconds, half_life = 120, FlushPolicy().half_life
    budget = Budget(300_000 * 20 * GWEI, block_seconds)
    policy = FlushPolicy(budget=budget)
    rng = random.Random(7)  # noqa: S311
    prices, fee = [], 0.0
    for _ in range(7 * DAY_SECONDS // block_seconds + 1):
        fee += rng.gauss(0, 0.07) - 0.02 * fee
        prices.append(int(20 * GWEI * 2**fee))
    arrivals = [
        [record(int(10 * rng.random() ** 2), 0, now=i * block_seconds)]
        if rng.random() < 0.1
        else []
        for i in range(len(prices) - 1)
    ]

    def live(choose):
        pace, waiting, value, paid = Pace(), [], 0.0, {}
        for block, arrived in enumerate(arrivals, 1):
            waiting += arrived
            now, price = (block - 1) * block_seconds, prices[block - 1]
            market = Market(block, now, price, 2 * price)
            chosen, pace = choose(pace, waiting, market)
            if not chosen:
                continue
            gas = fixed_gas(1) + KNOWN * len(chosen)
            most, cost = gas_limit(gas) * market.max_price, gas * prices[block]
            if most > left(pace, budget, now):
                continue
            batch = next_batch(waiting, len(chosen), chosen)
            pace = give_back(reserve(pace, budget, now, most), most - cost)
            paid[now // DAY_SECONDS] = paid.get(now // DAY_SECONDS, 0) + cost
            value += sum(0.5 ** ((now + block_seconds - r.time) / half_life) for r in batch.records)
            gone = set(map(id, batch.records))
            waiting = [r for r in waiting if id(r) not in gone]
        assert max(paid.values()) <= budget.wei_per_day
        return value / sum(map(len, arrivals))

    def paced(pace, waiting, market):
        decision = decide(policy, pace, waiting, market)
        return decision.sources, decision.pace

    def when_full(count):
        def choose(pace, waiting, _market):
            found = {one.source for one in waiting}
            return found if len(found) >= count else (), pace

        return choose

    ours = live(paced)
    assert live(paced) == ours
    assert ours > max(live(when_full(count)) for count in (5, 7, 9))
