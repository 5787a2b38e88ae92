"""One committee member: it signs only what it can reproduce, and never two rivals.

A member takes nothing from the coordinator on trust. It recomputes the batch from the evidence,
asks its own chain, and remembers what it signed. What it cannot see is whether a judgement was
ever made: that is for the sources' receipts, and for whoever audits the published evidence.

Signed once means signed for one batch: a feedback id is signed for again only when every batch it
was signed in before is *void*, that is, not applied and never to be. A signed report is void once,
in a block deep enough to stay, its nonce has gone to something else, its deadline has passed or
its committee has been replaced. Two honest quorums share a member when the threshold is above half
the committee's size; only then does this keep feedback from being counted twice by a committee.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Lock

from eth_account import Account

from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import ChainrepError, InputError, NotAuthorized, SigningRefused
from chainrep.node.ledger_view import LedgerView, spent_on, view_ledger
from chainrep.protocol.authorization import (
    MAX_LIFETIME_SECONDS,
    Authorization,
    recover_coordinator,
)
from chainrep.protocol.evidence import (
    MAX_RECORDS,
    EvidenceRecord,
    evidence_tree,
    sum_updates,
)
from chainrep.protocol.typed_data import LedgerDomain, sign_report
from chainrep.protocol.types import EVIDENCE_UNIT, Report
from chainrep.store.signings import Signing, Signings


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """What a member signs within; a coordinator has to stay inside.

    ``confirmations`` is how deep a block is that is taken to stay, its own included;
    ``nonces_ahead`` how far above the ledger's next nonce a report may be, ``deadline_seconds`` how
    far ahead its deadline.
    A judgement may be ``age_seconds`` old, ``skew_seconds`` in the future, and weigh at most
    ``max_evidence`` hundredths of a unit as judged, as used and as asked.
    """

    confirmations: int = 12
    nonces_ahead: int = 32
    deadline_seconds: int = 7_200
    age_seconds: int = 30 * 86_400
    skew_seconds: int = 60
    max_evidence: int = EVIDENCE_UNIT


class Member:
    """A member's key, its memory, its view of the chain and whom it lets ask."""

    def __init__(
        self,
        registry: SourceRegistry,
        ledger: ScoreLedger,
        signings: Signings,
        private_key: bytes,
        coordinators: Collection[str],
        policy: SigningPolicy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.address = str(Account.from_key(private_key).address)
        self.registry = registry
        self.ledger = ledger
        self.signings = signings
        self.coordinators = frozenset(coordinators)
        self.policy = policy or SigningPolicy()
        self._key = private_key
        self._clock = clock
        self._one_at_a_time = Lock()

    def admit(self, authorization: Authorization) -> None:
        """Raise NotAuthorized unless a coordinator signed it, for this member, not long ago."""
        remaining = authorization.expires - self._clock()
        if not 0 < remaining <= MAX_LIFETIME_SECONDS:
            raise NotAuthorized(
                "The request has expired, or expires too far in the future.",
                "Compare the clocks of the coordinator and of the member.",
            )
        coordinator = recover_coordinator(authorization, self.address, self.ledger.domain)
        if coordinator not in self.coordinators:
            raise NotAuthorized(
                f"{coordinator} is no coordinator of this member.",
                "Name it with --coordinator when starting the member.",
            )

    def sign(
        self, report: Report, domain: LedgerDomain, records: Sequence[EvidenceRecord]
    ) -> bytes:
        """The member's signature, stored as given before it is returned.

        Asking again for the same report gives the same signature. Raises SigningRefused with the
        reason, ChainError where the member's own chain fails, StoreError where its store does.
        """
        if domain != self.ledger.domain:
            raise SigningRefused(
                f"This member signs for {_place(self.ledger.domain)}, not for {_place(domain)}."
            )
        self._check_records(records)
        self._check_sums(report, records)
        with self._one_at_a_time:
            view = view_ledger(self.ledger, self.policy.confirmations)
            self._check_place(report, view)
            ids = [record.id for record in records]
            rivals = self.signings.rivals(report, ids)
            for rival in rivals:
                self._require_void(rival, report, view)
            self.signings.note(report, ids, view.confirmed_block, rivals)
        return sign_report(report, domain, self._key)

    def _check_records(self, records: Sequence[EvidenceRecord]) -> None:
        now = self._clock()
        if not 0 < len(records) <= MAX_RECORDS:
            raise SigningRefused(f"A batch stands on 1 to {MAX_RECORDS} feedback records.")
        if len({record.id for record in records}) < len(records):
            raise SigningRefused("A feedback id appears twice in the evidence.")
        known = self.registry.count()
        for record in records:
            objection = self._objection(record, known, now)
            if objection:
                name = f"Feedback 0x{record.id.hex()}"
                raise SigningRefused(f"{name} {objection}.", feedback=record.id)

    def _objection(self, record: EvidenceRecord, known_sources: int, now: float) -> str:
        policy = self.policy
        if not 0 < record.source <= known_sources:
            return f"is on source {record.source}, which does not exist"
        if record.time > now + policy.skew_seconds:
            return "is from the future: compare the clocks"
        if record.time < now - policy.age_seconds:
            return f"is older than the {policy.age_seconds:,} s that this member allows"
        weight = max(record.supported + record.contradicted, record.used, record.asked)
        if weight > policy.max_evidence:
            return (
                f"weighs {weight} hundredths of a unit, and this member allows"
                f" {policy.max_evidence} per judgement"
            )
        return ""

    def _check_sums(self, report: Report, records: Sequence[EvidenceRecord]) -> None:
        if evidence_tree(records).root != report.evidence_root:
            raise SigningRefused("The evidence does not have the root that the report names.")
        try:
            updates = self.ledger.pack(sum_updates(records))
        except InputError as error:
            raise SigningRefused(f"The evidence makes no batch: {error.summary}") from error
        if updates != report.updates:
            raise SigningRefused("The evidence does not add up to the updates in the report.")

    def _check_place(self, report: Report, view: LedgerView) -> None:
        policy, committee = self.policy, view.committee
        if self.address not in committee.members:
            raise SigningRefused(f"{self.address} is not in the committee any more.")
        if report.committee != committee.version:
            raise SigningRefused(
                f"The report is for committee {report.committee}, the ledger has"
                f" {committee.version}."
            )
        last = committee.next_nonce + policy.nonces_ahead
        if not committee.next_nonce <= report.nonce <= last:
            raise SigningRefused(
                f"Nonce {report.nonce} is outside {committee.next_nonce} to {last}, which this"
                " member signs for now."
            )
        if report.deadline <= view.time:
            raise SigningRefused("The report's deadline has passed.", "Give it a new one.")
        # A quiet local chain's newest block can be hours old, and the coordinator's clock is right.
        now = max(view.time, int(self._clock()) + policy.skew_seconds)
        if report.deadline > now + policy.deadline_seconds:
            raise SigningRefused(
                f"The report's deadline is more than {policy.deadline_seconds:,} s ahead."
            )

    def _require_void(self, rival: Signing, report: Report, view: LedgerView) -> None:
        """Raise SigningRefused unless the rival is not applied and never will be."""
        if rival.nonce < view.confirmed_nonce:
            unknown = f"What became of nonce {rival.nonce} cannot be found out."
            try:
                spent = spent_on(self.ledger, rival.nonce, rival.block, view.confirmed_block)
            except ChainrepError as error:
                raise SigningRefused(unknown, error.remedy) from error
            if spent is None:  # silence is no proof that the rival was not applied
                raise SigningRefused(unknown, "Give the member an RPC URL that keeps events.")
            if spent.evidence_root == rival.evidence_root:
                raise SigningRefused(
                    f"Feedback in this batch has been applied already, under nonce {rival.nonce}."
                )
            return
        # From here on the nonce was open in the confirmed block: what made the report void there
        # holds in every later block too, so it cannot have been applied in one of those either.
        if view.confirmed_time > rival.deadline or view.confirmed_version > rival.committee:
            return
        until = f"may be applied until {rival.deadline} (Unix time)"
        if rival.evidence_root == report.evidence_root:
            raise SigningRefused(f"This batch was signed under nonce {rival.nonce} and {until}.")
        if rival.nonce == report.nonce:
            raise SigningRefused(f"Another batch was signed under nonce {rival.nonce} and {until}.")
        raise SigningRefused(
            f"Feedback in this batch was signed in another one, which {until} under nonce"
            f" {rival.nonce}."
        )


def _place(domain: LedgerDomain) -> str:
    return f"ledger {domain.ledger} on chain {domain.chain_id}"
