"""An account that puts up bonds: one transaction of it at a time waits to be mined.

Whatever is not mined yet is replaced under the same account nonce, so that of a bond that is sent
twice one at most is paid. A node that was restarted knows nothing of what it sent before: it counts
what waits by the account's nonces.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrep.chain.client import Client, Receipt
from chainrep.chain.fees import Fees
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.errors import BondMissing, CallRefused, ChainError, TransactionLost

MAX_FAILURES = 3
"""Transactions for one attempt at one epoch that may fail, or lose their account nonce."""
PATIENCE_SECONDS = 300.0
"""How long a transaction that waits keeps those that are no more urgent waiting."""
_DEAREST = 4
"""A replacement offers at most so many times the market's fee."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a transaction is for; a smaller ``urgency`` goes first."""

    urgency: int
    epoch: int
    attempt: int


@dataclass(frozen=True, slots=True)
class _Sent:
    errand: Errand
    transaction: SignedTransaction
    bond: int
    time: float
    taken: bool


class BondPurse:
    """The account at ``address``, from which nothing else sends; ``clock`` is monotonic.

    ``bond`` is in wei: what a transaction that is not known may have put up.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        bond: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._client = client
        self._bond = bond
        self._clock = clock
        self._sent: list[_Sent] = []
        self._next: int | None = None
        self._waiting = 0
        self._failures: Counter[tuple[int, int]] = Counter()

    def look(self) -> set[int] | None:
        """The epochs for which something was mined since the last look; None: any may be.

        To be called before the epochs are asked about: what is no longer counted here is counted
        there, and never neither.
        """
        before, free = self._next, self._client.account_nonce(self.address)
        pending = self._client.account_nonce(self.address, "pending")
        mined = [sent for sent in self._sent if sent.transaction.nonce < free]
        for nonce in {sent.transaction.nonce for sent in mined}:
            self._note_failure([s for s in mined if s.transaction.nonce == nonce])
        self._sent = [sent for sent in self._sent if sent.transaction.nonce >= free]
        self._next, self._waiting = free, max(0, pending - free)
        ours = {sent.transaction.nonce for sent in mined}
        if before is not None and not ours.issuperset(range(before, free)):
            return None
        return {sent.errand.epoch for sent in mined}

    def at_stake(self, beside_next: bool = False) -> int:
        """Wei of the bonds in what is not mined; without what the next one replaces, if wanted."""
        free = self._free()
        bonds = dict.fromkeys(range(free, free + self._waiting), self._bond)
        for nonce in {sent.transaction.nonce for sent in self._sent}:
            bonds[nonce] = max(s.bond for s in self._sent if s.transaction.nonce == nonce)
        if beside_next:
            bonds.pop(free, None)
        return sum(bonds.values())

    def send(self, errand: Errand, call: Mapping[str, Any], private_key: bytes) -> Receipt:
        """Sign, broadcast and wait; what waits already is replaced if it is no more urgent.

        Raises BondMissing where the balance does not cover value and gas at their highest,
        CallRefused where the contract refuses it or where too many have failed, and
        TransactionLost where it is not mined in time, or has to wait for another one.
        """
        attempt = (errand.epoch, errand.attempt)
        if self._failures[attempt] >= MAX_FAILURES:
            raise CallRefused(
                f"{MAX_FAILURES} transactions for epoch {errand.epoch} failed or lost their"
                " account nonce: no more are paid for.",
                "See that nothing else sends from the key and that --rpc is right, then start the"
                " node again.",
            )
        rivals = [sent for sent in self._sent if sent.transaction.nonce == self._free()]
        self._require_turn(errand, rivals)
        bond = int(call.get("value", 0))
        balance = self._client.balance(self.address)
        if balance <= bond:  # no gas can be asked about then
            raise self._too_poor(balance, bond + 1)
        offer = self._offer(errand, rivals)
        transaction = (
            rivals[-1].transaction
            if offer is None
            else self._client.sign(call, private_key, offer, self._free())
        )
        if balance < transaction.cost:
            raise self._too_poor(balance, transaction.cost)
        nonce = transaction.nonce
        sent = _Sent(errand, transaction, bond, self._clock(), taken=False)
        self._sent.append(sent)  # even one that is refused: the server may keep it all the same
        self._client.broadcast(transaction)
        self._sent[-1] = _Sent(errand, transaction, bond, self._clock(), taken=True)
        receipt = self._client.wait(transaction.hash)
        self._sent = [each for each in self._sent if each.transaction.nonce > nonce]
        self._next, self._waiting = nonce + 1, max(0, self._waiting - 1)
        if not receipt.succeeded:
            self._failures[attempt] += 1
            raise CallRefused(f"Transaction 0x{receipt.hash.hex()} was mined but failed.")
        return receipt

    def _require_turn(self, errand: Errand, rivals: list[_Sent]) -> None:
        taken = [sent for sent in rivals if sent.taken]
        if not taken:
            return
        last = taken[-1]
        late = self._clock() - last.time >= PATIENCE_SECONDS
        if last.errand != errand and last.errand.urgency <= errand.urgency and not late:
            raise TransactionLost(
                f"Epoch {errand.epoch} waits for transaction 0x{last.transaction.hash.hex()}, for"
                f" epoch {last.errand.epoch}, which is not mined yet."
            )

    def _offer(self, errand: Errand, rivals: list[_Sent]) -> Fees | None:
        """What to offer per gas; None where no more may be, and the same is to be said again."""
        market = self._client.market_fees()
        if not rivals:
            return market
        last = rivals[-1]
        offer = market.at_least(last.transaction.fees.bumped())
        if offer.maximum <= _DEAREST * market.maximum:
            return offer
        if last.errand == errand:
            return None
        raise TransactionLost(
            f"Transaction 0x{last.transaction.hash.hex()} is not mined yet, and to replace it is"
            " too dear now."
        )

    def _too_poor(self, balance: int, needed: int) -> BondMissing:
        return BondMissing(
            f"{self.address} has less than is needed for a bond and its gas: {balance} wei, and"
            f" {needed} are.",
            "Send it ether: false roots cannot be challenged without.",
        )

    def _note_failure(self, rivals: list[_Sent]) -> None:
        """Count a nonce that is used up, unless one of these, which shared it, succeeded."""
        receipts = [self._client.receipt(sent.transaction.hash) for sent in rivals]
        if not any(receipt is not None and receipt.succeeded for receipt in receipts):
            last = rivals[-1].errand
            self._failures[last.epoch, last.attempt] += 1

    def _free(self) -> int:
        if self._next is None:
            raise ChainError("The account's nonce was not asked for yet.")
        return self._next
