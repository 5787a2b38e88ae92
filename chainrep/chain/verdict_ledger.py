"""Verdicts on inference receipts, as the ledger contract keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to
from chainrep.chain.client import Client
from chainrep.chain.score_ledger import Committee
from chainrep.errors import FalseAnswer, NotDeployed
from chainrep.protocol.verdict import Verdict
from chainrep.protocol.verdict_batch import SignedVerdicts, VerdictDomain, VerdictReport


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a receipt, the distance in bits, when it was noted (Unix s), and the nonce of
    the report under which its batch is found."""

    verdict: Verdict
    distance: int
    time: int
    nonce: int


class VerdictLedger:
    """Reading verdicts, and making the call that applies a signed report."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        if not deployment.verdict_ledger:
            raise NotDeployed(
                f"This deployment on chain {deployment.chain_id} has no verdict ledger: it was made"
                " by an earlier version.",
                "`chainrep deploy --again` makes new contracts, with one.",
            )
        self.client = client
        self.contract = bind(client, "VerdictLedger", deployment.verdict_ledger)
        self.domain = VerdictDomain(client.chain_id, deployment.verdict_ledger)

    def committee(self) -> Committee:
        """Who may sign verdicts now, and the next nonce."""
        return Committee(*self.client.ask(self.contract.functions.committee().call))

    def verdict_limit(self) -> int:
        """How many verdicts one batch may hold."""
        return int(self.client.ask(self.contract.functions.verdictLimit().call))

    def history(self) -> int:
        """The rolling hash over everything accepted or cancelled."""
        return int(self.client.ask(self.contract.functions.history().call))

    def finding(self, provider: str, digest: bytes) -> Finding | None:
        """The verdict on a provider's receipt, by its digest (32 bytes); None while there is none.

        Raises FalseAnswer for a verdict that there is not.
        """
        function = self.contract.functions.verdictOf(provider, digest)
        verdict, distance, time, nonce = self.client.ask(function.call)
        if not verdict:
            return None
        try:
            return Finding(Verdict(verdict), int(distance), int(time), int(nonce))
        except ValueError as error:
            raise FalseAnswer(
                f"A verdict in an answer is {verdict}, which there is not."
            ) from error

    def verdicts_call(self, signed: SignedVerdicts) -> Mapping[str, Any]:
        """The call that applies a signed report."""
        report = signed.report
        return call_to(
            self.contract.functions.applyVerdicts(
                report.verdicts,
                report.evidence_root,
                report.nonce,
                report.deadline,
                signed.signer_mask,
                signed.signatures,
            )
        )

    def report_digest(self, report: VerdictReport) -> bytes:
        """The digest that the contract would check, under its present committee."""
        function = self.contract.functions.verdictsDigest(
            report.verdicts, report.evidence_root, report.nonce, report.deadline
        )
        return bytes(self.client.ask(function.call))
