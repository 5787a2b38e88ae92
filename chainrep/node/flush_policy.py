"""When to send, and whose feedback: by count and age, under a ceiling, within a daily budget.

Without a budget everything that waits goes once enough sources wait, or one has waited long enough.
With one, a source goes if its urgency (`waiting`) is at least what its gas is worth at the budget's
price μ (`pacing`), and a batch goes if the surplus of its sources pays for its fixed part: this is
the batch that maximises urgency - μ · cost.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrep.node.batch_gas import LIMIT_PERCENT, fixed_gas, source_gas
from chainrep.node.batching import SAFE_UPDATES
from chainrep.node.pacing import (
    DAY_SECONDS,
    MAX_MULTIPLIER,
    MIN_MULTIPLIER,
    Budget,
    ahead,
    learn,
    left,
    rest,
)
from chainrep.node.waiting import HALF_LIFE, Waiting, weigh
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import Feedback
from chainrep.store.pace import Pace


@dataclass(frozen=True, slots=True)
class FlushPolicy:
    """What an operator wants.

    ``max_updates`` sources fit into a batch; ``flush_at`` of them are worth a batch at once;
    ``max_age`` is how many seconds the oldest judgement waits at most; above ``max_fee`` wei per
    gas nothing is sent. With a ``budget``, ``flush_at`` has no meaning, and ``max_age`` is kept
    only while spending is not ahead of the day; ``half_life`` is in seconds, see `waiting`.
    """

    max_updates: int = SAFE_UPDATES
    flush_at: int = 100
    max_age: int = 3_600
    max_fee: int | None = None
    budget: Budget | None = None
    half_life: int = HALF_LIFE


@dataclass(frozen=True, slots=True)
class Market:
    """The newest block, its time in Unix seconds, and what gas costs after it, in wei.

    ``price`` is what is expected to be paid, ``max_price`` what would be signed at most.
    """

    block: int
    time: int
    price: int
    max_price: int
    signatures: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose feedback to send now; nobody's: wait. ``reason`` is a clause for people.

    ``pace`` is the state after this block, to be stored whatever was decided; what is sent has to
    be reserved in it.
    """

    sources: frozenset[int]
    reason: str
    pace: Pace


def decide(
    policy: FlushPolicy,
    pace: Pace,
    records: Sequence[Feedback],
    market: Market,
    unscored: Container[int] = (),
) -> Decision:
    """What to do in this block with what waits; ``unscored`` sources have no score yet."""
    waiting = weigh(records, market.time, policy.half_life)
    held = ""
    if not waiting:
        held = "nothing waits"
    elif policy.max_fee is not None and market.price > policy.max_fee:
        held = (
            f"the fee of {_gwei(market.price)} gwei is above the ceiling of {_gwei(policy.max_fee)}"
        )
    if policy.budget is None:
        full = len(records) >= MAX_RECORDS
        chosen = [] if held else _due(policy, waiting, market.time, full)
        reason = held or _queue(waiting, market.time)
        return Decision(frozenset(w.source for w in chosen), reason, pace)
    if held:
        return Decision(frozenset(), held, rest(pace, market.block, market.time))
    return _within(policy, policy.budget, pace, waiting, market, unscored)


def _due(
    policy: FlushPolicy, waiting: Sequence[Waiting], time: int, full: bool
) -> Sequence[Waiting]:
    enough = len(waiting) >= min(policy.flush_at, policy.max_updates)
    old = time - waiting[0].oldest >= policy.max_age
    return waiting[: policy.max_updates] if enough or old or full else []


@dataclass(frozen=True, slots=True)
class _Bill:
    """What sending costs now: gas per source and before the first, and how much can be paid."""

    gas: Mapping[int, int]
    fixed: int
    room: int
    most: int
    price: int

    def fitting(self, wanted: Sequence[Waiting]) -> Sequence[Waiting]:
        """As many of these as money and a batch have room for, the most urgent per gas first."""
        room = self.room - self.fixed
        if len(wanted) <= self.most and sum(self.gas[one.source] for one in wanted) <= room:
            return wanted
        chosen: list[Waiting] = []
        for one in sorted(wanted, key=lambda w: (-w.urgency // self.gas[w.source], w.source)):
            if self.gas[one.source] <= room and len(chosen) < self.most:
                room -= self.gas[one.source]
                chosen.append(one)
        return chosen

    def cost(self, chosen: Iterable[Waiting]) -> int:
        """Wei that a batch of these is expected to cost."""
        return (self.fixed + sum(self.gas[one.source] for one in chosen)) * self.price


def _within(
    policy: FlushPolicy,
    budget: Budget,
    pace: Pace,
    waiting: Sequence[Waiting],
    market: Market,
    unscored: Container[int],
) -> Decision:
    money = left(pace, budget, market.time)
    bill = _Bill(
        gas={one.source: source_gas(one.source, unscored) for one in waiting},
        fixed=fixed_gas(market.signatures),
        room=money * 100 // max(1, market.max_price * LIMIT_PERCENT),
        most=policy.max_updates,
        price=max(1, market.price),
    )
    if bill.room - bill.fixed < min(bill.gas.values()):
        reason = f"{_gwei(money)} gwei are left of today's budget, too little for a batch"
        return Decision(frozenset(), reason, rest(pace, market.block, market.time))
    if pace.multiplier == 0:
        chosen = _first(budget, bill, waiting, market.time)
        pace = replace(pace, multiplier=_price_of(budget, bill, chosen))
    else:
        chosen = _worth_their_gas(budget, bill, waiting, pace.multiplier)
        if not chosen:
            overdue = [one for one in waiting if market.time - one.oldest >= policy.max_age]
            forced = bill.fitting(overdue)
            if not ahead(pace, budget, market.time, bill.cost(forced)):
                chosen = forced
    cost = bill.cost(chosen) if chosen else 0
    after = learn(pace, budget, market.block, market.time, cost, bill.cost([]))
    reason = _queue(waiting, market.time)
    if not chosen:
        reason += ", not urgent enough yet for today's budget"
    return Decision(frozenset(one.source for one in chosen), reason, after)


def _worth_their_gas(
    budget: Budget, bill: _Bill, waiting: Sequence[Waiting], multiplier: int
) -> Sequence[Waiting]:
    """The batch with the largest urgency - μ · cost; none where that is negative."""
    price = multiplier * bill.price * DAY_SECONDS

    def surplus(one: Waiting) -> int:
        return one.urgency * budget.share - price * bill.gas[one.source]

    chosen = bill.fitting([one for one in waiting if surplus(one) >= 0])
    return chosen if sum(map(surplus, chosen)) >= price * bill.fixed else []


def _first(budget: Budget, bill: _Bill, waiting: Sequence[Waiting], time: int) -> Sequence[Waiting]:
    """While μ is not known: everything, once the even share of the time waited pays for it."""
    chosen = bill.fitting(waiting)
    saved = (time - waiting[0].oldest) * budget.wei_per_day
    return chosen if saved >= bill.cost(chosen) * DAY_SECONDS else []


def _price_of(budget: Budget, bill: _Bill, chosen: Sequence[Waiting]) -> int:
    """The μ at which this batch is just worth its cost; 0 where it says nothing about that."""
    urgency = sum(one.urgency for one in chosen)
    if not urgency:
        return 0
    price = urgency * budget.share // (bill.cost(chosen) * DAY_SECONDS)
    return max(MIN_MULTIPLIER, min(MAX_MULTIPLIER, price))


def _queue(waiting: Sequence[Waiting], time: int) -> str:
    age = max(0, time - waiting[0].oldest)
    return f"{len(waiting)} sources wait, the oldest for {age:,} s"


def _gwei(wei: int) -> str:
    return f"{wei / 10**9:,.4g}"
