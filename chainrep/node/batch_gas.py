"""What a batch costs in gas, as far as one has to know before it is built.

The figures are upper ends of what `scripts/bench gas` measures with all counters at their largest
(`contracts/gas.json`: applying 1, 10, 100 and 10 new). Fees that an L2 takes for its data on L1
are not in them.
"""

from __future__ import annotations

from collections.abc import Container

FIXED, SIGNATURE, KNOWN, NEW = 41_000, 6_950, 5_750, 24_200
LIMIT_PERCENT = 120
"""A transaction's gas limit, in percent of what it is expected to take: `chain.client`."""


def fixed_gas(signatures: int) -> int:
    """Gas of a batch before its first source; the first signature is part of it."""
    return FIXED + SIGNATURE * max(0, signatures - 1)


def source_gas(source: int, unscored: Container[int]) -> int:
    """Gas that this source adds; ``unscored`` are those without a record on the ledger yet."""
    return NEW if source in unscored else KNOWN
