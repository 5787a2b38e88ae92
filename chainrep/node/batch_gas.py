"""What a batch costs in gas, as far as one has to know before it is built.

The figures are upper ends of what `scripts/bench gas` measures with all counters at their largest
(`contracts/gas.json`: applying 1, 10, 100 and 10 new). Fees that an L2 takes for its data on L1
are not in them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chainrep.node.waiting import Waiting

FIXED, SIGNATURE, KNOWN, NEW = 41_000, 6_950, 5_750, 24_200
LIMIT_PERCENT = 120
"""A transaction's gas limit, in percent of what it is expected to take: `chain.client`."""


def fixed_gas(signatures: int) -> int:
    """Gas of a batch before its first source; the first signature is part of it."""
    return FIXED + SIGNATURE * max(0, signatures - 1)


def source_gas(source: int, unscored: Container[int]) -> int:
    """Gas that this source adds; ``unscored`` are those without a record on the ledger yet."""
    return NEW if source in unscored else KNOWN


def gas_limit(gas: int) -> int:
    """What a transaction that is expected to take ``gas`` may take, and is reserved for it."""
    return -(-gas * LIMIT_PERCENT // 100)


def within_gas(
    sources: Sequence[int], unscored: Container[int], signatures: int, limit: int
) -> frozenset[int]:
    """The first of these sources, as many as fit into a transaction of this gas limit."""
    gas, fitting = fixed_gas(signatures), set[int]()
    for source in sources:
        gas += source_gas(source, unscored)
        if gas_limit(gas) > limit:
            break
        fitting.add(source)
    return frozenset(fitting)


@dataclass(frozen=True, slots=True)
class Bill:
    """What sending costs now.

    ``gas`` is what each source adds to ``fixed``; no batch may have a gas limit above ``limit`` or
    more than ``most`` sources. ``price`` is in wei per gas.
    """

    gas: Mapping[int, int]
    fixed: int
    limit: int
    most: int
    price: int

    def fitting(self, wanted: Sequence[Waiting]) -> Sequence[Waiting]:
        """As many of these as one batch may hold, preferring the first."""
        chosen: list[Waiting] = []
        total = self.fixed
        for one in wanted:
            more = total + self.gas[one.source]
            if len(chosen) < self.most and gas_limit(more) <= self.limit:
                total = more
                chosen.append(one)
        return chosen

    def cost(self, chosen: Iterable[Waiting]) -> int:
        """Wei that a batch of these is expected to cost."""
        return (self.fixed + sum(self.gas[one.source] for one in chosen)) * self.price
