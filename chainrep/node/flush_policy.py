"""When to send, and whose feedback: by count and age, under a ceiling, within a daily budget.

Without a budget everything that waits goes once enough sources wait, or one has waited long enough.
With one, a source goes if its urgency (`waiting`) is at least what its gas is worth at the budget's
price μ (`pacing`), and a batch goes if the surplus of its sources pays for its fixed part: this is
the batch that maximises urgency - μ · cost.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from chainrep.errors import InputError
from chainrep.node.batch_gas import Bill, fixed_gas, source_gas
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
    only where the day's even spending has saved up for it; ``half_life`` is in seconds, see
    `waiting`. Raises InputError where a figure makes no sense.
    """

    max_updates: int = SAFE_UPDATES
    flush_at: int = 100
    max_age: int = 3_600
    max_fee: int | None = None
    budget: Budget | None = None
    half_life: int = HALF_LIFE

    def __post_init__(self) -> None:
        least = min(self.max_updates, self.flush_at, self.half_life)
        if least < 1 or self.max_age < 0 or (self.max_fee is not None and self.max_fee < 1):
            raise InputError(
                "Sources in a batch, half-life and highest fee are at least 1, an age at least 0.",
                "Leave out what is to stay as it is.",
            )


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


def _within(
    policy: FlushPolicy,
    budget: Budget,
    pace: Pace,
    waiting: Sequence[Waiting],
    market: Market,
    unscored: Container[int],
) -> Decision:
    money = left(pace, budget, market.time)
    bill = Bill(
        gas={one.source: source_gas(one.source, unscored) for one in waiting},
        fixed=fixed_gas(market.signatures),
        limit=money // max(1, market.max_price),
        most=policy.max_updates,
        price=max(1, market.price),
    )
    if not any(bill.fitting([one]) for one in waiting):
        reason = f"{_gwei(money)} gwei are left of today's budget, too little for a batch"
        return Decision(frozenset(), reason, rest(pace, market.block, market.time))
    if pace.multiplier == 0:
        chosen = _first(budget, bill, waiting, market.time)
        pace = replace(pace, multiplier=_price_of(budget, bill, chosen))
    else:
        chosen = _worth_their_gas(budget, bill, waiting, pace.multiplier)
        if not chosen:
            old = [one for one in waiting if market.time - one.oldest >= policy.max_age]
            overdue = bill.fitting(old)
            saved = not ahead(pace, budget, market.time, bill.cost(overdue))
            chosen = overdue if saved else []
    cost = bill.cost(chosen) if chosen else 0
    after = learn(pace, budget, market.block, market.time, cost, bill.cost([]))
    reason = _queue(waiting, market.time)
    if not chosen:
        reason += ", not urgent enough yet for today's budget"
    return Decision(frozenset(one.source for one in chosen), reason, after)


def _worth_their_gas(
    budget: Budget, bill: Bill, waiting: Sequence[Waiting], multiplier: int
) -> Sequence[Waiting]:
    """The batch with the largest urgency - μ · cost; none where that is negative."""
    price = multiplier * bill.price * DAY_SECONDS

    def surplus(one: Waiting) -> int:
        return one.urgency * budget.share - price * bill.gas[one.source]

    wanted = [one for one in waiting if surplus(one) >= 0]
    wanted.sort(key=lambda one: -one.urgency // bill.gas[one.source])
    chosen = bill.fitting(wanted)
    return chosen if sum(map(surplus, chosen)) >= price * bill.fixed else []


def _first(budget: Budget, bill: Bill, waiting: Sequence[Waiting], time: int) -> Sequence[Waiting]:
    """While μ is not known: everything, once the even share of the time waited pays for it."""
    chosen = bill.fitting(waiting)
    saved = (time - waiting[0].oldest) * budget.wei_per_day
    return chosen if saved >= bill.cost(chosen) * DAY_SECONDS else []


def _price_of(budget: Budget, bill: Bill, chosen: Sequence[Waiting]) -> int:
    """The μ at which this batch is just worth its cost; 0 where it says nothing about that."""
    urgency = sum(one.urgency for one in chosen)
    if not urgency:
        return 0
    price = urgency * budget.share // (bill.cost(chosen) * DAY_SECONDS)
    return max(MIN_MULTIPLIER, min(MAX_MULTIPLIER, price))


def _queue(waiting: Sequence[Waiting], time: int) -> str:
    count = "1 source waits" if len(waiting) == 1 else f"{len(waiting):,} sources wait"
    return f"{count}, the oldest for {max(0, time - waiting[0].oldest):,} s"


def _gwei(wei: int) -> str:
    return f"{wei / 10**9:,.4g}"
