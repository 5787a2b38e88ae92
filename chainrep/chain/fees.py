"""What a transaction offers per gas, after EIP-1559."""

from __future__ import annotations

from dataclasses import dataclass

GWEI = 10**9
MAX_TRANSACTION_GAS = 2**24
"""EIP-7825."""
MIN_BUMP_PERMILLE = 125
"""Servers take a replacement only where both fees are higher by a tenth; some ask for an eighth."""
MAX_TIP = 50 * GWEI
"""A server that suggests more to the block's builder is not believed."""


@dataclass(frozen=True, slots=True)
class Fees:
    """In wei per gas: ``maximum`` is paid at most, ``tip`` of it goes to the block's builder."""

    maximum: int
    tip: int

    def bumped(self) -> Fees:
        """The least that replaces a transaction with these fees."""
        return Fees(_raised(self.maximum), _raised(self.tip))

    def at_least(self, other: Fees) -> Fees:
        """The higher of both, fee by fee."""
        return Fees(max(self.maximum, other.maximum), max(self.tip, other.tip))


def fees_at(base_fee: int, tip: int) -> Fees:
    """Fees that still suffice after six full blocks, each of which raises the base fee by 1/8."""
    return Fees(2 * base_fee + tip, tip)


def _raised(fee: int) -> int:
    return fee + (fee * MIN_BUMP_PERMILLE + 999) // 1_000
