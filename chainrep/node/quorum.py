"""Getting a report signed by enough members of the committee."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from eth_account import Account

from chainrep.chain.score_ledger import Committee
from chainrep.errors import SignatureError
from chainrep.protocol.evidence import EvidenceRecord
from chainrep.protocol.typed_data import LedgerDomain, collect_signatures, sign_report
from chainrep.protocol.types import Report, SignedReport


class Signer(Protocol):
    """One committee member, here or on another machine."""

    address: str

    def sign(self, report: Report, records: Sequence[EvidenceRecord]) -> bytes:
        """The member's signature; raise ChainrepError where it refuses or does not answer."""
        ...


class KeySigner:
    """A member whose key is on this machine."""

    def __init__(self, domain: LedgerDomain, private_key: bytes) -> None:
        self.address = str(Account.from_key(private_key).address)
        self._domain = domain
        self._key = private_key

    def sign(self, report: Report, records: Sequence[EvidenceRecord]) -> bytes:  # noqa: ARG002
        """Sign what this machine has put together itself."""
        return sign_report(report, self._domain, self._key)


class Quorum:
    """The signers that can be asked for one ledger's reports."""

    def __init__(self, domain: LedgerDomain, signers: Sequence[Signer]) -> None:
        self.domain = domain
        self.signers = {signer.address: signer for signer in signers}

    def sign(
        self, report: Report, records: Sequence[EvidenceRecord], committee: Committee
    ) -> SignedReport:
        """A report with as many signatures as the committee demands.

        Raises SignatureError when not enough members sign it.
        """
        reachable = [member for member in committee.members if member in self.signers]
        if len(reachable) < committee.threshold:
            raise SignatureError(
                f"{len(reachable)} of the {committee.threshold} signatures needed can be made"
                " here.",
                "Run this where the committee's keys are.",
            )
        signatures = {
            member: self.signers[member].sign(report, records)
            for member in reachable[: committee.threshold]
        }
        return collect_signatures(report, self.domain, committee.members, signatures)
