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
from chainrep.node.pacing import DAY_SECONDS, reserve, settle
from chainrep.store.batches import Batches, StoredBatch, Submission
from chainrep.store.pace import Pace

PATIENCE_SECONDS, PATIENCE_BLOCKS = 60, 3
"""A transaction that was not mined in so much time and so many blocks is replaced."""
MAX_FAILURES = 3
_SKEW_SECONDS = 60
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
        last = sent[-1] if sent else None
        if last is None:
            return self._send(batch, view, None, None)
        transaction = SignedTransaction(last.hash, last.raw)
        free = self._client.account_nonce(self.address)
        if transaction.nonce < free:
            return self._send_anew(batch, view, sent, last)
        if last.superseded or self._stuck(last, view):
            # Below it may be a gap, which nothing fills but this.
            return self._send(batch, view, free, transaction.fees.bumped())
        return self._repeat(batch, view, transaction, raise_fees=True)

    def refund(self, batch: StoredBatch, mined: bytes, paid: int, pace: Pace) -> Pace:
        """Give back what the transaction that was mined did not take of today's reserve."""
        sent = self._batches.submissions(batch.id)
        nonce = next(_nonce(s) for s in sent if s.hash == mined)
        rivals = [s for s in sent if _nonce(s) == nonce]
        day = rivals[-1].sent_time // DAY_SECONDS
        before = max((_cost(s) for s in rivals if s.sent_time // DAY_SECONDS < day), default=0)
        return settle(pace, day, max(map(_cost, rivals)) - before, paid)

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
            if raise_fees:  # by one step per block: a server must not drive them up at once
                return self._send(batch, view, transaction.nonce, transaction.fees.bumped())
            return Carried(acted=False, waits_for="a server that takes its fees")
        finally:
            self._repeated = {transaction.hash: view.block}
        return Carried(acted=True, waits_for="its block")

    def _send_anew(
        self, batch: StoredBatch, view: LedgerView, sent: Sequence[Submission], last: Submission
    ) -> Carried:
        """The account nonce is used up; by this transaction, unless another one took it."""
        receipt = self._client.receipt(last.hash)
        if receipt is not None and receipt.succeeded:
            return Carried(acted=False, waits_for="its block")  # mined since the ledger was viewed
        if receipt is not None:
            tried = [s for s in sent if not s.superseded]
            failed = [r for s in tried if (r := self._client.receipt(s.hash)) and not r.succeeded]
            if len(failed) >= MAX_FAILURES:
                raise CallRefused(
                    f"Batch {batch.nonce} was mined and failed {len(failed)} times, last in"
                    f" 0x{last.hash.hex()}.",
                    "Look that transaction up to see why; the batch is kept.",
                )
        return self._send(batch, view, None, None)

    def _send(
        self, batch: StoredBatch, view: LedgerView, nonce: int | None, at_least: Fees | None
    ) -> Carried:
        offer = self.fees(view)
        if offer is not None and at_least is not None:
            market = offer
            offer = offer.at_least(at_least)
            if offer.maximum > min(self.policy.max_fee or offer.maximum, _DEAREST * market.maximum):
                offer = None
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
            pace = self._reserved(batch, view, transaction)
        except InputError:
            return Carried(acted=False, waits_for="the next day's budget")
        kept = Submission(transaction.hash, transaction.raw, view.block, view.time)
        self._batches.keep(batch.id, kept, pace)
        return self._repeat(batch, view, transaction, raise_fees=False)

    def _reserved(
        self, batch: StoredBatch, view: LedgerView, transaction: SignedTransaction
    ) -> Pace | None:
        if self.policy.budget is None:
            return None
        rivals = [s for s in self._batches.submissions(batch.id) if _nonce(s) == transaction.nonce]
        more = max(0, transaction.cost - max(map(_cost, rivals), default=0))
        now = self.budget_time(view)
        return reserve(self._batches.paces.load(), self.policy.budget, now, more)

    def _stuck(self, last: Submission, view: LedgerView) -> bool:
        return (
            view.time - last.sent_time >= PATIENCE_SECONDS
            and view.block - last.sent_block >= PATIENCE_BLOCKS
        )


def _nonce(submission: Submission) -> int:
    return SignedTransaction(submission.hash, submission.raw).nonce


def _cost(submission: Submission) -> int:
    return SignedTransaction(submission.hash, submission.raw).cost
