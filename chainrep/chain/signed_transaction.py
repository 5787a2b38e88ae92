"""A transaction ready to be broadcast, and what its bytes say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from chainrep.chain.fees import Fees


@dataclass(frozen=True)
class SignedTransaction:
    """An EIP-1559 transaction, by hash and bytes; it may be broadcast any number of times."""

    hash: bytes
    raw: bytes

    @property
    def nonce(self) -> int:
        """The sender's account nonce that it uses up."""
        return int(self._fields["nonce"])

    @property
    def fees(self) -> Fees:
        """What it offers per gas."""
        return Fees(self._fields["maxFeePerGas"], self._fields["maxPriorityFeePerGas"])

    @property
    def cost(self) -> int:
        """Wei that it can cost at most, its value included."""
        return int(self._fields["gas"] * self.fees.maximum + self._fields["value"])

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return dict(TypedTransaction.from_bytes(HexBytes(self.raw)).as_dict())
