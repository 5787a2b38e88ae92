"""Spending a day's budget of gas where it brings most: dual mirror descent.

After "The Best of Many Worlds: Dual Mirror Descent for Online Allocation Problems" (Balseiro, Lu,
Mirrokni 2023). One multiplier μ > 0 is the price of the budget: what a wei has to bring. In every
block the batch is chosen that maximises value - μ · cost (`flush_policy`), and then μ moves against
the subgradient of the dual, ρ - cost, where ρ is the budget per block. The mirror map is negative
entropy, μ ← μ · exp(-η (ρ - cost) / ρ): it needs no idea of how large μ may become, so that neither
gas price nor budget nor the rate of feedback has to be known. Four things are added to the paper:

- Costs are counted in ρ, and μ is value per ρ: no figure changes with the unit of money.
- η is of order 1 / sqrt(T · K), T the blocks of a day and K the blocks whose budget an empty batch
  takes: spending comes in lumps of K, and this is 1 over the norm of T such subgradients.
- ρ is what is left of the day over what is left of its time, within a factor of 4 of the even
  share, so that yesterday's error is no longer there at noon.
- μ rests while it holds nothing back: it would otherwise fall all night for want of feedback, and
  the morning's budget would be gone before it is up again.

All figures are integers. A day is a UTC day by the time of blocks, and never comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt

from chainrep.errors import InputError
from chainrep.node.power_of_two import ONE, power_of_two
from chainrep.store.pace import Pace

DAY_SECONDS = 86_400
MIN_MULTIPLIER, MAX_MULTIPLIER = 2**10, 2**62
"""Below the first, rounding would swallow a step; the second is what the store can hold."""

ETA = 2
"""η · sqrt(T · K), in powers of two; chosen on seeds that nothing is reported of, where 1 to 4 do
equally well: `python -m scripts.benchmarks.relay.budget --tune`."""

_MOST = 3 * ONE
"""μ moves by a factor of 8 at most in one step."""

_RANGE = 4
_GAP_SECONDS = DAY_SECONDS // 100
"""Blocks nobody looked at count for so much time at most: the node was off."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Wei per UTC day, and how long a block of this chain takes.

    Raises InputError where one of them is not positive, or a block takes more than 864 seconds.
    """

    wei_per_day: int
    block_seconds: int = 12

    def __post_init__(self) -> None:
        if self.wei_per_day < 1 or not 1 <= self.block_seconds <= _GAP_SECONDS:
            raise InputError(
                f"A budget needs at least 1 wei per day, and a block 1 to {_GAP_SECONDS} seconds.",
                "Leave the budget away to send without one.",
            )

    @property
    def share(self) -> int:
        """The even share of one block, in wei / 86,400: what multiplier and cost are counted in."""
        return self.wei_per_day * self.block_seconds


def today(pace: Pace, time: int) -> Pace:
    """The state at this time: a new day has spent nothing; an earlier one changes nothing."""
    day = time // DAY_SECONDS
    return replace(pace, day=day, spent=0) if day > pace.day else pace


def left(pace: Pace, budget: Budget, time: int) -> int:
    """Wei that may still be spent on this day."""
    return max(0, budget.wei_per_day - today(pace, time).spent)


def reserve(pace: Pace, budget: Budget, time: int, wei: int) -> Pace:
    """Count as spent what a transaction may cost at most; raise InputError where it is not left.

    To be stored before the transaction is signed, and before every replacement with a higher fee
    (then by the difference).
    """
    if not 0 <= wei <= left(pace, budget, time):
        raise InputError(
            f"{wei:,} wei are not left in today's budget of {budget.wei_per_day:,}.",
            "Wait until the day is over (UTC), or allow more per day.",
        )
    current = today(pace, time)
    return replace(current, spent=current.spent + wei)


def give_back(pace: Pace, wei: int) -> Pace:
    """Count as not spent what was reserved on the pace's day and not paid."""
    return replace(pace, spent=max(0, pace.spent - max(0, wei)))


def ahead(pace: Pace, budget: Budget, time: int, cost: int = 0) -> bool:
    """Whether more is spent, with ``cost`` wei more, than the even share of the day so far."""
    current = today(pace, time)
    if current.day > time // DAY_SECONDS:
        return True
    return (current.spent + cost) * DAY_SECONDS > budget.wei_per_day * (time % DAY_SECONDS)


def rest(pace: Pace, block: int, time: int) -> Pace:
    """The state after a block in which μ held nothing back."""
    current = today(pace, time)
    return replace(current, block=max(block, current.block))


def learn(pace: Pace, budget: Budget, block: int, time: int, cost: int, lump: int) -> Pace:
    """μ after a block for which a batch of ``cost`` wei was chosen, 0 where none was.

    ``lump`` is what a batch without updates would cost now. To be asked before the cost is
    reserved. A block seen before, or a μ not known yet, teaches nothing.
    """
    after = rest(pace, block, time)
    if pace.multiplier == 0 or block <= pace.block:
        return after
    blocks = min(block - pace.block, _GAP_SECONDS // budget.block_seconds) if pace.block else 1
    even, seconds_left = budget.share, DAY_SECONDS - time % DAY_SECONDS
    share = left(pace, budget, time) * budget.block_seconds * DAY_SECONDS // seconds_left
    share = max(even // _RANGE, min(even * _RANGE, share), 1)
    # 2^16 · sqrt(T · K), with T = 86,400 / block_seconds and K = max(1, 86,400 · lump / even).
    most = max(even, lump * DAY_SECONDS)
    norm = isqrt(DAY_SECONDS * most * ONE // (budget.block_seconds * even))
    # η · (ρ - cost) / ρ as an exponent of two in 2^-32.
    step = ETA * (blocks * share - cost * DAY_SECONDS) * (ONE << 16) // (share * norm)
    factor = power_of_two(-max(-_MOST, min(_MOST, step)))
    moved = pace.multiplier * factor // ONE
    return replace(after, multiplier=max(MIN_MULTIPLIER, min(MAX_MULTIPLIER, moved)))
