"""Carrying feedback from the outbox onto the ledger, one signed batch after another.

Every step is stored before the next one is taken: evidence, claim, signatures, signed transaction,
receipt. A run that was killed is resumed by the next, and no record is ever counted twice: the
ledger accepts a nonce once, and a batch gives up its nonce only when that went to something else,
or its report has expired, in a block that has as many confirmations as are demanded.

At most one batch waits to be mined; those before it wait for their confirmations meanwhile. What a
reorganisation takes back is broadcast again in the ledger's order.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from chainrep.chain.client import Client, Receipt
from chainrep.chain.fees import MAX_TRANSACTION_GAS
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import (
    BatchTooLarge,
    CallRefused,
    ChainError,
    InputError,
    QuorumNotMet,
    TransactionLost,
)
from chainrep.node.batch_gas import within_gas
from chainrep.node.batching import SAFE_UPDATES, next_batch
from chainrep.node.carrier import OVER_BUDGET, Carried, Carrier
from chainrep.node.feedback_limits import FeedbackLimits
from chainrep.node.flush_policy import FlushPolicy, Market, decide
from chainrep.node.ledger_view import LedgerView, SpentNonce, spent_on, view_ledger
from chainrep.node.quorum import Quorum
from chainrep.protocol.evidence import MAX_RECORDS, evidence_record
from chainrep.protocol.types import Feedback, Report, ScoreUpdate, SignedReport
from chainrep.store.batches import Batches, StoredBatch
from chainrep.store.db import store_failure
from chainrep.store.evidence import EvidenceStore
from chainrep.store.lease import Lease
from chainrep.store.outbox import Outbox

DEADLINE_SECONDS = 3_600
STALLED_SECONDS = 600.0
MAX_OPEN = 64
"""Batches that may wait for their confirmations: more says that a server shows none."""
_MARGIN_SECONDS = 60
"""A report that expires sooner is signed anew first: its transaction might come too late."""
_POLL_SECONDS, _POLL_GROWTH, _POLL_MAX_SECONDS = 0.05, 1.5, 2.0
_UNSIGNED = (0, b"")


@dataclass(frozen=True, slots=True)
class AppliedBatch:
    """One batch that is on the chain; ``receipt`` is None unless our transaction's was at hand."""

    nonce: int
    updates: Sequence[ScoreUpdate]
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class RelayProgress:
    """After one step: the batches that were ``settled`` in it, and how much is left.

    ``pending`` judgements wait in the outbox; ``open`` batches are not confirmed yet. ``waits_for``
    is a clause for people, empty when nothing waits. ``at_rest``: nothing to do before a new block.
    """

    settled: Sequence[AppliedBatch]
    pending: int
    open: int
    waits_for: str
    at_rest: bool


class Relayer:
    """Feedback of one outbox → evidence files → batches that a quorum signs → one ledger.

    ``confirmations`` is how deep a batch must be to count as applied, its own block included;
    ``max_ahead`` how many seconds the chain may be ahead of ``clock``, None on a chain whose time
    is set by hand.
    """

    def __init__(
        self,
        client: Client,
        registry: SourceRegistry,
        ledger: ScoreLedger,
        outbox: Outbox,
        evidence: EvidenceStore,
        quorum: Quorum,
        sender_key: bytes,
        lease: Lease,
        policy: FlushPolicy | None = None,
        confirmations: int = 1,
        limits: FeedbackLimits | None = None,
        max_ahead: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if confirmations < 1:
            raise InputError(f"A batch has at least 1 confirmation, not {confirmations}.")
        self.client = client
        self.registry = registry
        self.ledger = ledger
        self.outbox = outbox
        self.evidence = evidence
        self.quorum = quorum
        self.policy = policy or FlushPolicy()
        self.confirmations = confirmations
        self.limits = limits or FeedbackLimits()
        self.batches = Batches(outbox.db, outbox.ledger, lease)
        self.carrier = Carrier(client, ledger, self.batches, self.policy, sender_key, clock)
        self._max_ahead = max_ahead
        self._clock = clock
        self._known_sources = 0
        self._scored: set[int] = set()

    def flush(
        self,
        max_updates: int | None = None,
        stalled_seconds: float = STALLED_SECONDS,
        on_step: Callable[[RelayProgress], None] | None = None,
    ) -> Iterator[AppliedBatch]:
        """Send all pending feedback, whatever the policy says of it, until it is confirmed.

        Raises BatchTooLarge when ``max_updates`` is above the ledger's limit, SignatureError when
        too few members sign, StoreBusy while another relayer is at work, StoreError where the
        evidence cannot be kept, ChainError where the chain fails, and TransactionLost when nothing
        has come of it for ``stalled_seconds``.
        """
        limit = self.ledger.update_limit()
        if max_updates is not None and not 0 < max_updates <= limit:
            raise BatchTooLarge(
                f"A batch of {max_updates} updates is outside what the ledger accepts, 1..{limit}.",
                f"Choose --max-updates between 1 and {limit}.",
            )
        most = max_updates or min(limit, SAFE_UPDATES)
        self.policy = replace(self.policy, flush_at=1, max_age=0, budget=None, max_updates=most)
        self.carrier.policy = self.policy
        pause, moved = _POLL_SECONDS, time.monotonic()
        before: object = None
        try:
            while True:
                progress = self.step()
                now = (progress.pending, progress.open, progress.waits_for)
                if progress.settled or now != before:
                    pause, moved, before = _POLL_SECONDS, time.monotonic(), now
                if on_step is not None:
                    on_step(progress)
                yield from progress.settled
                if not progress.pending and not progress.open:
                    return
                if time.monotonic() - moved > stalled_seconds:
                    raise TransactionLost(
                        f"Nothing has moved for {stalled_seconds:.0f} s; what waits, waits for"
                        f" {progress.waits_for}.",
                        "Nothing is lost: run the same command again, nothing is sent twice.",
                    )
                if not progress.at_rest:
                    continue
                time.sleep(pause)
                pause = min(pause * _POLL_GROWTH, _POLL_MAX_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Give the lease on the outbox back; the next step would take it again."""
        self.batches.lease.release()

    def step(self) -> RelayProgress:
        """Do one bounded piece of work: settle what is confirmed, bring one batch onto the chain.

        Raises StoreBusy while another relayer works on this outbox, SignatureError when too few
        members sign, StoreError and ChainError. The store is as good after an error as before it.
        """
        try:
            return self._step()
        except sqlite3.DatabaseError as error:
            raise store_failure(error) from error

    def _step(self) -> RelayProgress:
        self.batches.lease.take()
        view = view_ledger(self.ledger, self.confirmations)
        self._require_present(view)
        settled: list[AppliedBatch] = []
        unmined: list[StoredBatch] = []
        waits_for = ""
        for batch in self.batches.open():
            if batch.nonce >= view.committee.next_nonce:
                unmined.append(self._seen_in(batch, None))
                continue
            followed = self._follow(batch, view)
            if isinstance(followed, AppliedBatch):
                settled.append(followed)
            elif isinstance(followed, StoredBatch):
                unmined.append(followed)
            else:
                waits_for = followed
        unmined.sort(key=lambda batch: batch.nonce)
        acted = False
        if not unmined and len(self.batches.open()) < MAX_OPEN:
            sealed, waits_for = self._seal_next(view, waits_for)
            unmined = [sealed] if sealed else []
        if unmined:
            carried = self._carry(unmined[0], view)
            acted, waits_for = carried.acted, carried.waits_for
        return RelayProgress(
            settled=settled,
            pending=self.outbox.waiting(),
            open=len(self.batches.open()),
            waits_for=waits_for,
            at_rest=not acted and not settled,
        )

    def _follow(self, batch: StoredBatch, view: LedgerView) -> AppliedBatch | StoredBatch | str:
        """What became of a batch whose nonce is spent: settled, to send again, or in suspense."""
        sound = batch.sealed_block <= view.confirmed_block  # a server may have made it up
        first = max(batch.sealed_block if sound else 0, self.ledger.first_block)
        spent = spent_on(self.ledger, batch.nonce, first, view.block)
        if spent is None:  # mined between two answers, or the server keeps no events
            return f"the event that used up nonce {batch.nonce}, of a server that keeps events"
        to_go = spent.block - view.confirmed_block
        if spent.evidence_root == batch.signed.report.evidence_root:
            batch = self._seen_in(batch, spent.block)
            return self._settle(batch, spent) if to_go <= 0 else f"{to_go} more confirmations"
        if to_go > 0:
            return f"{to_go} more blocks, until the loss of nonce {batch.nonce} is certain"
        taken = (other.nonce for other in self.batches.open() if other.id != batch.id)
        free = max(view.committee.next_nonce, 1 + max(taken, default=0))
        return self._restate(batch, free, view)

    def _settle(self, batch: StoredBatch, spent: SpentNonce) -> AppliedBatch:
        ours = {s.hash for s in self.batches.submissions(batch.id)}
        receipt = self.client.receipt(spent.transaction) if spent.transaction in ours else None
        if receipt is None:
            self.batches.settle(batch.id, spent.block)
        else:
            pace = None
            if self.policy.budget is not None:
                pace = self.carrier.refund(
                    batch, receipt.hash, receipt.fee, self.batches.paces.load()
                )
            self.batches.settle(batch.id, spent.block, receipt.hash, receipt.gas_used, pace)
        updates = self.ledger.unpack(batch.signed.report.updates)
        self._scored.update(update.source for update in updates)
        return AppliedBatch(batch.nonce, updates, receipt)

    def _carry(self, batch: StoredBatch, view: LedgerView) -> Carried:
        """See that the report is current and signed, and that its transaction gets mined."""
        report, committee = batch.signed.report, view.committee
        if report.nonce > committee.next_nonce:  # taken back with its block, or never so
            if view.confirmed_time <= batch.sent_deadline:
                return Carried(acted=False, waits_for=f"nonce {committee.next_nonce} of the ledger")
            batch = self._restate(batch, committee.next_nonce, view)
        elif report.committee != committee.version or self._expires(report, view):
            # The same nonce can be spent once only, so that nothing has to be confirmed first.
            batch = self._restate(batch, report.nonce, view)
        signed = batch if batch.signed.signer_mask else self._signed(batch, view)
        if signed is None:
            return Carried(acted=True, waits_for="")
        try:
            carried = self.carrier.carry(signed, view)
        except CallRefused:
            if not signed.sent_deadline:  # it would be refused for ever; another cut may not be
                self.batches.release(signed.id, {}, view.confirmed_time)
            raise
        if carried.waits_for == OVER_BUDGET and not signed.sent_deadline:
            self.batches.release(signed.id, {}, view.confirmed_time)
        return carried

    def _signed(self, batch: StoredBatch, view: LedgerView) -> StoredBatch | None:
        """The batch with signatures; None where it was taken apart for what nobody would sign.

        It is in the store before anyone is asked: members sign no rival of a batch.
        """
        records = self.batches.records(batch.id)
        shown = [evidence_record(record) for record in records]
        try:
            signed = self.quorum.sign(batch.signed.report, shown, view.committee)
        except QuorumNotMet as failure:
            refused = {
                record.key: failure.refused[one.id]
                for record, one in zip(records, shown, strict=True)
                if one.id in failure.refused
            }
            if not refused or view.confirmed_time <= batch.sent_deadline:
                raise
            self.batches.release(batch.id, refused, view.confirmed_time)
            return None
        return self.batches.sign_again(batch, signed)

    def _seal_next(self, view: LedgerView, waits_for: str) -> tuple[StoredBatch | None, str]:
        """A new batch, if the policy wants one; else None and what is waited for."""
        waiting = self._admitted(self.outbox.pending(MAX_RECORDS), view)
        records = [r for r in waiting if not self.limits.premature(r, self._now(view))]
        if not records:
            return None, "the time that feedback is dated to" if waiting else waits_for
        offer = self.carrier.fees(view)
        if offer is None:
            return None, waits_for or "a lower fee per gas"
        market = Market(
            block=view.block,
            time=max(int(self._clock()), self.carrier.budget_time(view)),
            price=min(offer.maximum, view.base_fee + offer.tip),
            max_price=offer.maximum,
            signatures=view.committee.threshold,
        )
        before = self.batches.paces.load()
        if before.block > view.block:  # taken back, or a server made it up
            before = replace(before, block=view.block)
        policy = replace(
            self.policy, max_updates=min(self.policy.max_updates, self.ledger.update_limit())
        )
        counted = [record.source for record in records] if policy.budget else []
        decision = decide(policy, before, records, market, self._new_among(counted))
        if self.policy.budget is not None and decision.pace != before:
            self.batches.note_pace(decision.pace)
        if not decision.sources:
            return None, waits_for or decision.reason
        chosen = decision.sources
        if len(chosen) > SAFE_UPDATES:
            ordered = [s for s in dict.fromkeys(r.source for r in records) if s in chosen]
            unscored = self._new_among(ordered)
            chosen = within_gas(ordered, unscored, market.signatures, MAX_TRANSACTION_GAS)
        batch = next_batch(records, policy.max_updates, chosen)
        report = Report(
            committee=view.committee.version,
            nonce=view.committee.next_nonce,
            deadline=self._now(view) + DEADLINE_SECONDS,
            evidence_root=self.evidence.put([evidence_record(r) for r in batch.records]),
            updates=self.ledger.pack(batch.updates),
        )
        unsigned = SignedReport(report, *_UNSIGNED)
        return self.batches.seal(unsigned, batch.records, view.confirmed_block), ""

    def _admitted(self, records: Sequence[Feedback], view: LedgerView) -> Sequence[Feedback]:
        """Set aside, with the reason, what no member would sign."""
        if any(record.source > self._known_sources for record in records):
            self._known_sources = max(self._known_sources, self.registry.count())
        now = min(view.time, int(self._clock()))  # either alone may be wrong
        reasons = {
            record.key: reason
            for record in records
            if (reason := self.limits.objection(record, self._known_sources, now))
        }
        if not reasons:
            return records
        self.outbox.refuse(reasons)
        return [record for record in records if record.key not in reasons]

    def _new_among(self, sources: Sequence[int]) -> frozenset[int]:
        """Sources without a record on the ledger, whose first update costs more."""
        asked = sorted(set(sources) - self._scored)
        scores = self.ledger.scores(asked) if asked else []
        self._scored.update(score.source for score in scores if score.updated_at)
        return frozenset(score.source for score in scores if not score.updated_at)

    def _require_present(self, view: LedgerView) -> None:
        """Raise ChainError where the chain is in the future: deadlines and ages would be false."""
        ahead = view.time - int(self._clock())
        if self._max_ahead is not None and ahead > self._max_ahead:
            raise ChainError(
                f"The chain at {self.client.label} is {ahead:,} s ahead of this machine's clock.",
                "Set the clock, or give another URL with --rpc; nothing is lost.",
            )

    def _seen_in(self, batch: StoredBatch, block: int | None) -> StoredBatch:
        if batch.block == block:
            return batch
        self.batches.note_block(batch.id, block)
        return replace(batch, block=block)

    def _restate(self, batch: StoredBatch, nonce: int, view: LedgerView) -> StoredBatch:
        """The same batch, unsigned, for this nonce, the present committee and a new deadline."""
        report = replace(
            batch.signed.report,
            committee=view.committee.version,
            nonce=nonce,
            deadline=self._now(view) + DEADLINE_SECONDS,
        )
        return self.batches.sign_again(batch, SignedReport(report, *_UNSIGNED))

    def _expires(self, report: Report, view: LedgerView) -> bool:
        left = report.deadline - self._now(view)
        return not _MARGIN_SECONDS < left <= 2 * DEADLINE_SECONDS

    def _now(self, view: LedgerView) -> int:
        """A quiet chain's newest block can be hours old; a clock can be wrong, a block less so."""
        return max(view.time, int(self._clock()))
