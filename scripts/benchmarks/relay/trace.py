"""A seeded world for a budget: a gas price for every block, and judgements that come in.

The base fee is a process in the logarithm that no block moves by more than an eighth, as EIP-1559
has it: a daily cycle, a mean-reverting part with a memory of two hours, about four spikes a day
that fade within 20 minutes, and noise. It is made up, not recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrep.node.pacing import DAY_SECONDS
from chainrep.protocol.types import EVIDENCE_UNIT, Feedback, FeedbackKind

BLOCK_SECONDS = 12
DAY_BLOCKS = DAY_SECONDS // BLOCK_SECONDS
START = 20_000 * DAY_SECONDS
GWEI = 10**9
MEDIAN_FEE, TIP = 20 * GWEI, GWEI
SOURCES = 100
JUDGEMENTS_PER_DAY = 2_000


@dataclass(frozen=True, slots=True)
class Trace:
    """Wei per gas in every block (one more than decisions), and what came in before each."""

    prices: Sequence[int]
    records: Sequence[Sequence[Feedback]]

    def time(self, block: int) -> int:
        """Unix seconds of a block; the first is at midnight."""
        return START + block * BLOCK_SECONDS


def seeded_trace(seed: int, days: int) -> Trace:
    """The same for the same seed; sources are asked in proportion to 1 / rank."""
    rng = np.random.default_rng(seed)
    blocks = days * DAY_BLOCKS
    prices = [int(price) + TIP for price in _base_fees(rng, blocks + 1)]
    chances = 1 / np.arange(1, SOURCES + 1)
    counts = rng.poisson(JUDGEMENTS_PER_DAY / DAY_BLOCKS, blocks)
    asked = iter(1 + rng.choice(SOURCES, counts.sum(), p=chances / chances.sum()))
    ago = iter(rng.integers(0, BLOCK_SECONDS, counts.sum()))
    records = [
        [
            _judgement(int(next(asked)), START + block * BLOCK_SECONDS - int(next(ago)))
            for _ in range(count)
        ]
        for block, count in enumerate(counts)
    ]
    return Trace(prices, records)


def _judgement(source: int, time: int) -> Feedback:
    return Feedback(
        "", source, FeedbackKind.GOLD, bytes(32), EVIDENCE_UNIT, 0, 0, EVIDENCE_UNIT, time
    )


def _base_fees(rng: np.random.Generator, blocks: int) -> Sequence[float]:
    memory, fading = np.exp(-1 / 600), np.exp(-1 / 100)
    pushes = rng.normal(size=blocks) * 0.45 * np.sqrt(1 - memory**2)
    spikes = np.where(rng.random(blocks) < 4 / DAY_BLOCKS, rng.exponential(1.0, blocks), 0)
    noise = rng.normal(size=blocks) * 0.04
    cycle = 0.35 * np.sin(2 * np.pi * np.arange(blocks) / DAY_BLOCKS)
    level, spike, fee, fees = rng.normal() * 0.45, 0.0, None, []
    for i in range(blocks):
        level, spike = memory * level + pushes[i], fading * spike + spikes[i]
        wanted = cycle[i] + level + spike + noise[i]
        fee = wanted if fee is None else fee + np.clip(wanted - fee, np.log(7 / 8), np.log(9 / 8))
        fees.append(MEDIAN_FEE * float(np.exp(fee)))
    return fees
