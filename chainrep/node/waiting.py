"""What waits for each source, and how urgent it is.

The model. Evidence is useful while it is fresh: a judgement that reaches the ledger ``age`` seconds
after it was made is worth its units of evidence times 2^(-age / half-life), because the questions
asked in between were answered without it, and because sources change. Waiting saves gas (one update
carries whatever has gathered) and loses freshness.

How long should one source wait? Say that judgements arrive at a rate r, a flush costs c (already
multiplied by the price of the budget, see `pacing`), and k = ln 2 / half-life. Flushed every T
seconds, the source yields (r (1 - e^(-kT)) / k - c) / T per second. That is largest where

    r ((1 - e^(-kT)) / k - T e^(-kT)) = c,

and the left side is what the waiting judgements add up to if each counts k·age · e^(-k·age) of its
worth. So this sum, the **urgency**, is what a flush has to be compared with, not the worth itself:
a judgement made this second loses nothing by waiting for the next one. The same holds for many
sources that share the fixed cost of a batch: add up the urgencies. For small ages it is the square
root rule of stock keeping (Harris 1913); a constant factor (ln 2) is left to the multiplier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chainrep.node.power_of_two import ONE, power_of_two
from chainrep.protocol.types import Feedback

HALF_LIFE = 6 * 3_600
"""Seconds in which evidence on its way loses half of its worth, if the operator says nothing."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one source: summed urgency in 2^-32 of 1/100 unit, the oldest's time."""

    source: int
    urgency: int
    oldest: int


def worth(record: Feedback) -> int:
    """Evidence in a record, in 1/100 of a unit: judged answers, or merely having been asked."""
    return max(record.supported + record.contradicted, record.used, record.asked)


@lru_cache(maxsize=1 << 15)
def urgency(age: int, half_life: int) -> int:
    """(age / half-life) · 2^(-age / half-life), in units of 2^-32: what one unit of worth adds."""
    return age * power_of_two(-age * ONE // half_life) // half_life


def weigh(records: Iterable[Feedback], time: int, half_life: int) -> Sequence[Waiting]:
    """What waits at ``time`` (Unix seconds), by source, the oldest first.

    A record from the future has age 0.
    """
    sums: dict[int, int] = {}
    oldest: dict[int, int] = {}
    for record in records:
        source, made = record.source, min(record.time, time)
        sums[source] = sums.get(source, 0) + worth(record) * urgency(time - made, half_life)
        if made < oldest.get(source, made + 1):
            oldest[source] = made
    order = sorted(oldest, key=lambda source: (oldest[source], source))
    return [Waiting(source, sums[source], oldest[source]) for source in order]
