"""Getting one signed batch mined: a stored transaction, broadcast, repeated and replaced.

The account's nonces are the road's second order beside the ledger's. A transaction that a server
has forgotten is broadcast again, byte for byte; one that stays unmined is replaced under the same
account nonce with higher fees; one whose account nonce went to another transaction is signed anew.
All of them carry the same report, which the ledger accepts once, so that it does no harm if
several are mined.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_account import Account

from chainrep.chain.client import Client
from chainrep.chain.fees import Fees, fees_at
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.errors import CallRefused, ChainError, ChainUnreachable, InputError
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.ledger_view import LedgerView
from chainrep.node.pacing import give_back, reserve
from chainrep.store.batches import Batches, StoredBatch, Submission
from chainrep.store.pace import Pace

PATIENCE_SECONDS, PATIENCE_BLOCKS = 60, 3
"""A transaction that was not mined in so much time and so many blocks is replaced."""
MAX_FAILURES = 3
"""Account nonces that one report may use up; it is signed anew after an hour at most."""
OVER_BUDGET = "the next day's budget"
_SKEW_SECONDS = 60
_LEAST_PAID = 4
_DEAREST = 4
"""A replacement offers at most so many times the market's fee."""
_TOO_CHEAP = re.compile(r"underpriced|base ?fee|fee cap|fee too low|gas price", re.IGNORECASE)
"""How servers say, each in its own words, that they want higher fees."""
_SETTLES_ITSELF = frozenset({"NonceNotNext", "DeadlinePassed"})
"""Refusals after which the next look at the ledger shows what to do."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What was done for a batch in one step, and what it waits for, as a clause for people."""

    acted: bool
    waits_for: str


class Carrier:
    """Signs with one key, which should send nothing else while batches are under way."""

    def __init__(
        self,
        client: Client,
        ledger: ScoreLedger,
        batches: Batches,
        policy: FlushPolicy,
        private_key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.address = str(Account.from_key(private_key).address)
        self.policy = policy
        self._client = client
        self._ledger = ledger
        self._batches = batches
        self._key = private_key
        self._clock = clock
        self._repeated: dict[bytes, int] = {}

    def fees(self, view: LedgerView) -> Fees | None:
        """What to offer per gas now; None where less than that is allowed."""
        tip = self._client.tip()
        most = self.policy.max_fee
        if most is None:
            return fees_at(view.base_fee, tip)
        if view.base_fee + tip > most:
            return None
        return Fees(min(most, fees_at(view.base_fee, tip).maximum), tip)

    def budget_time(self, view: LedgerView) -> int:
        """The blocks' time, unless it runs ahead: a server must not bring on tomorrow's budget."""
        return min(view.time, int(self._clock()) + _SKEW_SECONDS)

    def carry(self, batch: StoredBatch, view: LedgerView) -> Carried:
        """Do what brings a signed batch nearer to being mined, and return without waiting.

        Raises CallRefused where the ledger refuses the batch itself, and ChainError where no server
        takes the transaction.
        """
        sent = self._batches.submissions(batch.id)
        if not sent:
            return self._send(batch, view, None, self.fees(view))
        last = sent[-1]
        transaction = SignedTransaction(last.hash, last.raw)
        free = self._client.account_nonce(self.address)
        if transaction.nonce < free:
            return self._send_anew(batch, view, sent, free)
        if not last.superseded and not self._stuck(last, view):
            return self._repeat(batch, view, transaction, raise_fees=True)
        # Under an earlier nonce, below which nothing of ours waits, it fills a gap.
        rival = transaction.fees.bumped() if transaction.nonce == free else None
        offer = self._offer(view, rival)
        if offer is None and not last.superseded:  # no more may be offered: say it again
            return self._repeat(batch, view, transaction, raise_fees=False)
        return self._send(batch, view, free, offer or self.fees(view))

    def refund(self, batch: StoredBatch, mined: bytes, paid: int, pace: Pace) -> Pace:
        """Give back what the transaction that was mined did not take of today's reserve.

        At most three quarters: a server that makes receipts up could void the budget otherwise.
        """
        sent = self._batches.submissions(batch.id)
        nonce = next(_nonce(s) for s in sent if s.hash == mined)
        rivals = [s for s in sent if _nonce(s) == nonce]
        reserved = sum(s.reserved for s in rivals)
        rest = reserved - max(paid, reserved // _LEAST_PAID)
        taken_today = sum(s.reserved for s in rivals if s.reserved_day == pace.day)
        return give_back(pace, min(rest, taken_today))

    def _repeat(
        self, batch: StoredBatch, view: LedgerView, transaction: SignedTransaction, raise_fees: bool
    ) -> Carried:
        """Broadcast it once per block, in case that it was forgotten."""
        if self._repeated.get(transaction.hash, -1) >= view.block:
            return Carried(acted=False, waits_for="its block")
        try:
            self._client.broadcast(transaction)
        except ChainUnreachable:
            raise
        except ChainError as refusal:
            if self._client.account_nonce(self.address) > transaction.nonce:
                return Carried(acted=True, waits_for="its block")
            if not _TOO_CHEAP.search(refusal.summary):
                raise
            # By one step per block: a server must not drive them up at once.
            offer = self._offer(view, transaction.fees.bumped()) if raise_fees else None
            if offer is None:
                return Carried(acted=False, waits_for="a server that takes its fees")
            return self._send(batch, view, transaction.nonce, offer)
        finally:
            self._repeated = {transaction.hash: view.block}
        return Carried(acted=True, waits_for="its block")

    def _send_anew(
        self, batch: StoredBatch, view: LedgerView, sent: Sequence[Submission], free: int
    ) -> Carried:
        """The account nonce is used up; by one of these transactions, unless by another one.

        A server that only says so is believed a few times: each time costs gas if it lies.
        """
        receipts = [self._client.receipt(s.hash) for s in sent]
        if any(receipt is not None and receipt.succeeded for receipt in receipts):
            return Carried(acted=False, waits_for="its block")  # mined since the ledger was viewed
        used = {nonce for s in sent if not s.superseded and (nonce := _nonce(s)) < free}
        if len(used) >= MAX_FAILURES:
            raise CallRefused(
                f"{len(used)} transactions for batch {batch.nonce} failed or lost their account"
                f" nonce, last 0x{sent[-1].hash.hex()}.",
                "Look that transaction up, see that nothing else uses the sender's key, and give"
                " another URL with --rpc if the server is wrong. It is tried again within an hour.",
            )
        return self._send(batch, view, None, self.fees(view))

    def _offer(self, view: LedgerView, at_least: Fees | None) -> Fees | None:
        """The market's fees, or what replaces a rival if that is more; None where too dear."""
        market = self.fees(view)
        if market is None or at_least is None:
            return market
        offer = market.at_least(at_least)
        most = min(self.policy.max_fee or offer.maximum, _DEAREST * market.maximum)
        return offer if offer.maximum <= most else None

    def _send(
        self, batch: StoredBatch, view: LedgerView, nonce: int | None, offer: Fees | None
    ) -> Carried:
        if offer is None:
            return Carried(acted=False, waits_for="a lower fee per gas")
        call = self._ledger.batch_call(batch.signed)
        try:
            transaction = self._client.sign(call, self._key, offer, nonce)
        except CallRefused as refusal:
            if refusal.name in _SETTLES_ITSELF:
                return Carried(acted=False, waits_for="the ledger")
            raise
        try:
            reserved, pace = self._reserve(batch, view, transaction)
        except InputError:
            return Carried(acted=False, waits_for=OVER_BUDGET)
        day = pace.day if pace else 0
        kept = Submission(
            transaction.hash, transaction.raw, view.block, view.time,
            reserved=reserved, reserved_day=day,
        )  # fmt: skip
        self._batches.keep(batch.id, kept, pace)
        return self._repeat(batch, view, transaction, raise_fees=False)

    def _reserve(
        self, batch: StoredBatch, view: LedgerView, transaction: SignedTransaction
    ) -> tuple[int, Pace | None]:
        """Wei to reserve beyond what its rivals have, one of which at most is mined."""
        if self.policy.budget is None:
            return 0, None
        sent = self._batches.submissions(batch.id)
        more = transaction.cost - sum(s.reserved for s in sent if _nonce(s) == transaction.nonce)
        wei, now = max(0, more), self.budget_time(view)
        return wei, reserve(self._batches.paces.load(), self.policy.budget, now, wei)

    def _stuck(self, last: Submission, view: LedgerView) -> bool:
        blocks = view.block - last.sent_block
        waited = blocks >= PATIENCE_BLOCKS or blocks < 0  # its number was false, or taken back
        return waited and view.time - last.sent_time >= PATIENCE_SECONDS


def _nonce(submission: Submission) -> int:
    return SignedTransaction(submission.hash, submission.raw).nonce
