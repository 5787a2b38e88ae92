"""Many simple policies on many traces at once, with arrays: to choose among them.

The rules are those of `spending`, apart from two roundings: judgements count from their block's
time on, and money is a float.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.node.batch_gas import KNOWN, LIMIT_PERCENT, fixed_gas
from chainrep.node.waiting import HALF_LIFE, worth
from scripts.benchmarks.relay.trace import BLOCK_SECONDS, DAY_BLOCKS, SOURCES, TIP, Trace

Floats = NDArray[np.float64]
FIXED = fixed_gas(1)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, one row per lane and one column per source; ``oldest`` is a block, or inf."""

    block: int
    urgency: Floats
    oldest: Floats
    price: Floats


Rule = Callable[[Queue], tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]]
"""→ which lanes send, which sources, and in which order (least first) if not all can be paid."""


def when_full(sources: Floats) -> Rule:
    """Everything, once so many sources wait; one figure per lane."""
    return lambda q: (np.isfinite(q.oldest).sum(1) >= sources, np.isfinite(q.oldest), q.oldest)


def when_old(blocks: Floats) -> Rule:
    """Everything, once something has waited for so many blocks; one figure per lane."""
    return lambda q: (q.block - q.oldest.min(1) >= blocks, np.isfinite(q.oldest), q.oldest)


def at_price(multiplier: Floats) -> Rule:
    """As `flush_policy` at a fixed μ per lane, in 1/100 unit of evidence per wei."""

    def rule(q: Queue) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
        charge = multiplier * q.price
        surplus = q.urgency - (charge * KNOWN)[:, None]
        wanted = (surplus >= 0) & np.isfinite(q.oldest)
        return (surplus * wanted).sum(1) >= charge * FIXED, wanted, -q.urgency

    return rule


def values(traces: Sequence[Trace], wei_per_day: int, rule: Rule, lanes: int) -> Floats:
    """Value as a share of all worth, [trace, lane]; ``rule`` has ``lanes`` figures per trace."""
    arrived = np.stack([_worth_by_block(trace) for trace in traces])
    prices = np.array([trace.prices for trace in traces], float)
    row = np.repeat(np.arange(len(traces)), lanes)
    value, urgency = np.zeros((2, len(row), SOURCES))
    oldest = np.full((len(row), SOURCES), np.inf)
    got, left = np.zeros(len(row)), np.zeros(len(row))
    step = BLOCK_SECONDS / HALF_LIFE
    decay = 0.5**step
    for block in range(arrived.shape[1]):
        if block % DAY_BLOCKS == 0:
            left[:] = wei_per_day
        urgency += step * value
        urgency *= decay
        value *= decay
        new = arrived[:, block]
        if new.any():
            value += new[row]
            oldest[(new[row] > 0) & np.isinf(oldest)] = block
        price = prices[row, block]
        send, wanted, order = rule(Queue(block, urgency, oldest, price))
        room = left * 100 / ((2 * price - TIP) * LIMIT_PERCENT) - FIXED
        for lane in np.flatnonzero(send & wanted.any(1) & (room >= KNOWN)):
            chosen = np.flatnonzero(wanted[lane])
            most = int(room[lane] // KNOWN)
            if len(chosen) > most:
                chosen = chosen[np.argsort(order[lane, chosen], kind="stable")[:most]]
            left[lane] -= (FIXED + KNOWN * len(chosen)) * prices[row[lane], block + 1]
            got[lane] += value[lane, chosen].sum() * decay
            value[lane, chosen] = urgency[lane, chosen] = 0
            oldest[lane, chosen] = np.inf
    shares: Floats = got.reshape(len(traces), lanes) / arrived.sum((1, 2))[:, None]
    return shares


def _worth_by_block(trace: Trace) -> NDArray[Any]:
    found = np.zeros((len(trace.records), SOURCES), np.float32)
    for block, records in enumerate(trace.records):
        for record in records:
            found[block, record.source - 1] += worth(record)
    return found
