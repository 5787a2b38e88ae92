"""Getting a report signed by enough members of the committee."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Protocol

from eth_account import Account

from chainrep.chain.score_ledger import Committee
from chainrep.errors import ChainrepError, QuorumNotMet, SigningRefused
from chainrep.protocol.evidence import EvidenceRecord
from chainrep.protocol.typed_data import (
    LedgerDomain,
    collect_signatures,
    recover_signer,
    sign_report,
)
from chainrep.protocol.types import Report, SignedReport

QUORUM_SECONDS = 30.0
_IN_FLIGHT = 4
"""Requests that one member may keep open: a member that never answers costs so many threads."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a member gave no signature, and the feedback that alone is the reason."""

    reason: str
    feedback: bytes | None = None


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
    """The signers that can be asked for one ledger's reports.

    ``on_failure`` is told the address and the reason whenever a member gives no valid signature,
    also after the others have made up the quorum; it is called from other threads. Without it the
    failure is logged.
    """

    def __init__(
        self,
        domain: LedgerDomain,
        signers: Sequence[Signer],
        seconds: float = QUORUM_SECONDS,
        on_failure: Callable[[str, str], None] | None = None,
    ) -> None:
        self.domain = domain
        self.signers = {signer.address: signer for signer in signers}
        self._seconds = seconds
        self._on_failure = on_failure or _log_failure
        self._free = {address: BoundedSemaphore(_IN_FLIGHT) for address in self.signers}

    def sign(
        self, report: Report, records: Sequence[EvidenceRecord], committee: Committee
    ) -> SignedReport:
        """A report with as many signatures as the committee demands, from whoever is fastest.

        All members are asked at once; the first valid signatures count, and nobody waits for the
        rest. Keep the batch in the store before asking: a member that has signed it refuses to
        sign its feedback in another batch until this one can no longer be applied. Asking again,
        with the same evidence and nonce, is free.

        Raises QuorumNotMet, which says of every member why, when not enough sign in time, and
        names the feedback that so many refuse that it cannot be signed for at all.
        """
        members, threshold = list(committee.members), committee.threshold
        asked = [member for member in members if member in self.signers]
        failures = dict.fromkeys(members, "it cannot be asked from here")
        if len(asked) < threshold:
            raise _not_met(len(asked), threshold, failures, asked)
        answers: SimpleQueue[tuple[str, bytes | _Failure]] = SimpleQueue()
        refusals: dict[bytes, list[str]] = {}
        for member in asked:
            self._ask(member, report, records, answers)
            failures[member] = "it has not answered yet"
        signatures: dict[str, bytes] = {}
        unanswered = len(asked)
        until = time.monotonic() + self._seconds
        while len(signatures) < threshold <= len(signatures) + unanswered:
            try:
                member, answer = answers.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            unanswered -= 1
            if isinstance(answer, bytes):
                signatures[member] = answer
                continue
            failures[member] = answer.reason
            if answer.feedback is not None:
                refusals.setdefault(answer.feedback, []).append(answer.reason)
        if len(signatures) < threshold:
            refused = {
                feedback: reasons[0]
                for feedback, reasons in refusals.items()
                if len(members) - len(reasons) < threshold
            }
            raise _not_met(len(signatures), threshold, failures, signatures, refused)
        return collect_signatures(report, self.domain, members, signatures)

    def _ask(
        self,
        member: str,
        report: Report,
        records: Sequence[EvidenceRecord],
        answers: SimpleQueue[tuple[str, bytes | _Failure]],
    ) -> None:
        """Ask one member on a thread of its own, which a stopping interpreter does not wait for."""
        if not self._free[member].acquire(blocking=False):
            unanswered = f"it has left {_IN_FLIGHT} earlier requests unanswered"
            answers.put((member, _Failure(unanswered)))
            return

        def ask() -> None:
            try:
                answer = self._answer(member, report, records)
            finally:
                self._free[member].release()
            answers.put((member, answer))
            if isinstance(answer, _Failure):
                self._on_failure(member, answer.reason)

        Thread(target=ask, name=f"ask {member}", daemon=True).start()

    def _answer(
        self, member: str, report: Report, records: Sequence[EvidenceRecord]
    ) -> bytes | _Failure:
        """A signature that is the member's, or why there is none."""
        try:
            signature = self.signers[member].sign(report, records)
            if recover_signer(report, self.domain, signature) != member:
                return _Failure("it signed something else, or with another key")
        except SigningRefused as refusal:
            return _Failure(str(refusal), refusal.feedback)
        except ChainrepError as error:
            return _Failure(str(error))
        except Exception as error:  # noqa: BLE001 (whatever goes wrong costs one vote, not the batch)
            _log.error("asking %s failed", member, exc_info=error)
            return _Failure(f"asking it failed ({type(error).__name__})")
        return signature


def _not_met(
    count: int,
    threshold: int,
    failures: Mapping[str, str],
    able: Collection[str],
    refused: Mapping[bytes, str] | None = None,
) -> QuorumNotMet:
    reasons = "; ".join(f"{m}: {why}" for m, why in failures.items() if m not in able)
    return QuorumNotMet(
        f"{count} of the {threshold} signatures needed could be had ({reasons}).",
        "See to these members, or run this where the committee's keys are.",
        refused=refused,
    )


def _log_failure(member: str, reason: str) -> None:
    _log.warning("%s did not sign: %s", member, reason)
