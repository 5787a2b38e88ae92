"""A daily budget spent on one trace: by the product's own decisions, or by count and age.

Both are settled by the same rules: a batch is mined in the next block at that block's price, what
it may cost at most must be left of the day when it is signed, and a judgement brings its worth,
halved for every half-life that has passed until it is mined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from chainrep.node.batch_gas import LIMIT_PERCENT, fixed_gas, source_gas
from chainrep.node.batching import next_batch
from chainrep.node.flush_policy import FlushPolicy, Market, decide
from chainrep.node.pacing import Budget, give_back, left, reserve
from chainrep.node.waiting import HALF_LIFE, worth
from chainrep.protocol.types import Feedback
from chainrep.store.pace import Pace
from scripts.benchmarks.relay.trace import TIP, Trace

Choice = Callable[[Pace, Sequence[Feedback], Market], tuple[Collection[int], Pace]]
"""(pace, what waits, market) → whose feedback to send, and the pace after it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``value`` as a share of the worth of all judgements, ``spent`` of all budgets."""

    value: float
    spent: float
    batches: int
    overspent_days: int


def spend(trace: Trace, budget: Budget, choose: Choice) -> Outcome:
    """Live through the trace block by block."""
    pace, value, total, batches = Pace(), 0.0, 0, 0
    waiting: list[Feedback] = []
    paid: dict[int, int] = {}
    for block, arrived in enumerate(trace.records):
        waiting.extend(arrived)
        total += sum(map(worth, arrived))
        price, time = trace.prices[block], trace.time(block)
        market = Market(block, time, price, 2 * price - TIP)
        sources, pace = choose(pace, waiting, market)
        if not sources:
            continue
        batch = next_batch(waiting, len(sources), sources)
        gas = fixed_gas(1) + sum(source_gas(update.source, ()) for update in batch.updates)
        most = gas * LIMIT_PERCENT * market.max_price // 100
        cost = gas * trace.prices[block + 1]
        pace = reserve(pace, budget, time, most)
        pace = give_back(pace, most - cost)
        paid[pace.day] = paid.get(pace.day, 0) + cost
        mined = trace.time(block + 1)
        value += sum(worth(r) * 0.5 ** ((mined - r.time) / HALF_LIFE) for r in batch.records)
        taken = set(map(id, batch.records))
        waiting = [record for record in waiting if id(record) not in taken]
        batches += 1
    days = len(trace.records) * budget.block_seconds / 86_400
    return Outcome(
        value=value / total,
        spent=sum(paid.values()) / (budget.wei_per_day * days),
        batches=batches,
        overspent_days=sum(cost > budget.wei_per_day for cost in paid.values()),
    )


def paced(policy: FlushPolicy) -> Choice:
    """As the product decides."""

    def choose(
        pace: Pace, waiting: Sequence[Feedback], market: Market
    ) -> tuple[Collection[int], Pace]:
        decision = decide(policy, pace, waiting, market)
        return decision.sources, decision.pace

    return choose


def by_count_and_age(sources: int, age: int, budget: Budget) -> Choice:
    """Everything, once so many sources wait or the oldest judgement is so many seconds old.

    The oldest of them, where not all can be paid. To be used for one life.
    """
    found: dict[int, None] = {}
    looked = 0

    def choose(
        pace: Pace, waiting: Sequence[Feedback], market: Market
    ) -> tuple[Collection[int], Pace]:
        nonlocal looked
        found.update(dict.fromkeys(record.source for record in waiting[looked:]))
        looked = len(waiting)
        if not waiting or (len(found) < sources and market.time - waiting[0].time < age):
            return (), pace
        gas = left(pace, budget, market.time) * 100 // (market.max_price * LIMIT_PERCENT)
        sent = list(found)[: max(0, gas - fixed_gas(1)) // source_gas(0, ())]
        if sent:
            looked = 0
            found.clear()
        return sent, replace(pace, block=market.block)

    return choose
