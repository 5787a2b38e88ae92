"""Carrying feedback from the outbox onto the ledger, one signed batch after another.

Every step is stored before the next one is taken: evidence, claim, signatures, signed transaction,
receipt. A run that was killed is resumed by the next, which never counts a record twice: the ledger
accepts a nonce once, and a batch keeps its nonce until the ledger has given it to another batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chainrep.chain.client import Client, Receipt, SignedTransaction
from chainrep.chain.score_ledger import Committee, ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import (
    BatchTooLarge,
    CallRefused,
    ChainError,
    ChainUnreachable,
    TransactionLost,
)
from chainrep.node.batching import SAFE_UPDATES, next_batch
from chainrep.node.quorum import Quorum
from chainrep.protocol.evidence import MAX_RECORDS, evidence_record
from chainrep.protocol.types import Report, ScoreUpdate, SignedReport
from chainrep.store.batches import Batches, StoredBatch, Submission
from chainrep.store.evidence import EvidenceStore
from chainrep.store.outbox import Outbox

DEADLINE_SECONDS = 3_600
_ATTEMPTS = 3
_UNSIGNED = (0, b"")
_RACES = frozenset({"NonceNotNext", "DeadlinePassed"})


@dataclass(frozen=True, slots=True)
class AppliedBatch:
    """One batch that is on the chain; ``receipt`` is None when another relayer carried it."""

    nonce: int
    updates: Sequence[ScoreUpdate]
    receipt: Receipt | None


class Relayer:
    """Feedback of one outbox → evidence files → batches that a quorum signs → one ledger."""

    def __init__(
        self,
        client: Client,
        registry: SourceRegistry,
        ledger: ScoreLedger,
        outbox: Outbox,
        evidence: EvidenceStore,
        quorum: Quorum,
        sender_key: bytes,
    ) -> None:
        self.client = client
        self.registry = registry
        self.ledger = ledger
        self.outbox = outbox
        self.evidence = evidence
        self.quorum = quorum
        self.batches = Batches(outbox.db, outbox.ledger)
        self._sender_key = sender_key

    def flush(self, max_updates: int | None = None) -> Iterator[AppliedBatch]:
        """Finish open batches, then send pending feedback until none is left.

        Raises BatchTooLarge when ``max_updates`` is above the ledger's limit, SignatureError when
        too few members sign, StoreError where the evidence cannot be kept, and ChainError where
        the chain fails.
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
        records = self.outbox.pending(MAX_RECORDS)
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
            evidence_root=self.evidence.put([evidence_record(r) for r in batch.records]),
            updates=self.ledger.pack(batch.updates),
        )
        current = self._current(report, self.ledger.committee())
        return self.batches.seal(SignedReport(current, *_UNSIGNED), batch.records)

    def _current(self, report: Report, committee: Committee) -> Report:
        """The report for the ledger's next nonce, its committee and a fresh deadline."""
        return replace(
            report,
            committee=committee.version,
            nonce=committee.next_nonce,
            deadline=self.client.now() + DEADLINE_SECONDS,
        )

    def _restate(self, batch: StoredBatch, signed: SignedReport) -> StoredBatch:
        self.batches.sign_again(batch.id, signed)
        return replace(batch, signed=signed)

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
                report = self._current(report, committee)
                batch = self._restate(batch, SignedReport(report, *_UNSIGNED))
            if not batch.signed.signer_mask:  # stored before: members sign no rival of a batch
                shown = [evidence_record(record) for record in self.batches.records(batch.id)]
                batch = self._restate(batch, self.quorum.sign(report, shown, committee))
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
