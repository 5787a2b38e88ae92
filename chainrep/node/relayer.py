"""Carrying feedback from the outbox onto the ledger, one signed batch after another.

Every step is stored before the next one is taken: claim, signature, signed transaction, receipt.
A run that was killed is resumed by the next, which never counts a record twice: the ledger
accepts a nonce once, and a batch keeps its nonce until the ledger has given it to another batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eth_account import Account

from chainrep.chain.client import Client, Receipt, SignedTransaction
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import (
    BatchTooLarge,
    CallRefused,
    ChainError,
    ChainUnreachable,
    SignatureError,
    TransactionLost,
)
from chainrep.node.batching import SAFE_UPDATES, next_batch
from chainrep.protocol.evidence import evidence_record, evidence_tree
from chainrep.protocol.typed_data import collect_signatures, sign_report
from chainrep.protocol.types import Report, ScoreUpdate, SignedReport
from chainrep.store.batches import Batches, StoredBatch, Submission
from chainrep.store.outbox import Outbox

DEADLINE_SECONDS = 3_600
_PAGE = 20_000
_ATTEMPTS = 3
_RACES = frozenset({"NonceNotNext", "DeadlinePassed"})


@dataclass(frozen=True, slots=True)
class AppliedBatch:
    """One batch that is on the chain; ``receipt`` is None when another relayer carried it."""

    nonce: int
    updates: Sequence[ScoreUpdate]
    receipt: Receipt | None


class Relayer:
    """Feedback of one outbox → batches signed by the keys at hand → one ledger."""

    def __init__(
        self,
        client: Client,
        registry: SourceRegistry,
        ledger: ScoreLedger,
        outbox: Outbox,
        signer_keys: Sequence[bytes],
        sender_key: bytes,
    ) -> None:
        self.client = client
        self.registry = registry
        self.ledger = ledger
        self.outbox = outbox
        self.batches = Batches(outbox.db, outbox.ledger)
        self._signers = {str(Account.from_key(key).address): key for key in signer_keys}
        self._sender_key = sender_key

    def flush(self, max_updates: int | None = None) -> Iterator[AppliedBatch]:
        """Finish open batches, then send pending feedback until none is left.

        Raises BatchTooLarge when ``max_updates`` is above the ledger's limit, SignatureError when
        the keys at hand are no quorum, and ChainError where the chain fails.
        """
        limit = self.ledger.update_limit()
        if max_updates is not None and not 0 < max_updates <= limit:
            raise BatchTooLarge(
                f"A batch of {max_updates} updates is outside what the ledger accepts, 1..{limit}.",
                f"Choose --max-updates between 1 and {limit}.",
            )
        for batch in self.batches.open():
            yield self._carry(batch)
        while sealed := self._seal_next(max_updates or min(limit, SAFE_UPDATES)):
            yield self._carry(sealed)

    def _seal_next(self, max_updates: int) -> StoredBatch | None:
        records = self.outbox.pending(_PAGE)
        known = self.registry.count()
        strangers = [record for record in records if record.source > known]
        if strangers:
            self.outbox.refuse(
                {record.key: f"source {record.source} is not registered" for record in strangers}
            )
            return self._seal_next(max_updates)
        if not records:
            return None
        batch = next_batch(records, max_updates)
        report = Report(
            committee=0,
            nonce=0,
            deadline=0,
            evidence_root=evidence_tree(evidence_record(r) for r in batch.records).root,
            updates=self.ledger.pack(batch.updates),
        )
        return self.batches.seal(self._sign(report), batch.records)

    def _sign(self, report: Report) -> SignedReport:
        """Sign for the ledger's next nonce, its committee and a fresh deadline."""
        committee = self.ledger.committee()
        current = replace(
            report,
            committee=committee.version,
            nonce=committee.next_nonce,
            deadline=self.client.now() + DEADLINE_SECONDS,
        )
        signers = [member for member in committee.members if member in self._signers]
        if len(signers) < committee.threshold:
            raise SignatureError(
                f"{len(signers)} of the {committee.threshold} signatures needed can be made here.",
                "Run this where the committee's keys are.",
            )
        signatures = {
            member: sign_report(current, self.ledger.domain, self._signers[member])
            for member in signers[: committee.threshold]
        }
        return collect_signatures(current, self.ledger.domain, committee.members, signatures)

    def _carry(self, batch: StoredBatch) -> AppliedBatch:
        """Bring one batch onto the chain, whatever an earlier run has done for it already."""
        for _ in range(_ATTEMPTS):
            committee = self.ledger.committee()
            report = batch.signed.report
            spent = committee.next_nonce > report.nonce
            if spent and self._is_applied(report):
                return self._settle(batch)
            stale = committee.version != report.committee or self.client.now() >= report.deadline
            if spent or stale:
                signed = self._sign(report)
                self.batches.sign_again(batch.id, signed)
                batch = replace(batch, signed=signed)
            if self._submit(batch):
                return self._settle(batch)
        raise TransactionLost(
            f"Batch {batch.signed.report.nonce} lost the race for its nonce {_ATTEMPTS} times.",
            "Nothing is lost: run the same command again.",
        )

    def _submit(self, batch: StoredBatch) -> bool:
        """Broadcast the stored transaction, or a newly signed and stored one, and wait for it."""
        for stored in self.batches.submissions(batch.id)[-1:]:
            transaction = SignedTransaction(stored.hash, stored.raw)
            try:
                self.client.broadcast(transaction)
            except ChainUnreachable:
                raise
            except ChainError:
                break  # its account nonce went to another transaction: it can never be mined
            return self.client.wait(transaction.hash).succeeded
        try:
            transaction = self.client.sign(self.ledger.batch_call(batch.signed), self._sender_key)
        except CallRefused as refusal:
            if refusal.name in _RACES:
                return False
            raise
        self.batches.keep(batch.id, Submission(transaction.hash, transaction.raw))
        self.client.broadcast(transaction)
        return self.client.wait(transaction.hash).succeeded

    def _is_applied(self, report: Report) -> bool:
        return self.ledger.applied(report.nonce) == (report.evidence_root, report.updates)

    def _settle(self, batch: StoredBatch) -> AppliedBatch:
        receipts = [self.client.receipt(s.hash) for s in self.batches.submissions(batch.id)]
        receipt = next((r for r in receipts if r is not None and r.succeeded), None)
        if receipt is None:
            self.batches.settle(batch.id)
        else:
            self.batches.settle(batch.id, receipt.hash, receipt.block, receipt.gas_used)
        report = batch.signed.report
        return AppliedBatch(report.nonce, self.ledger.unpack(report.updates), receipt)
