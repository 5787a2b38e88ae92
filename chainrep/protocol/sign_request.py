"""What a coordinator asks a committee member to sign, as bytes.

One line of JSON with the report and the ledger it is for, then the evidence file as it is. Nothing
in it is secret: it is what everybody can read once the batch has been applied.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.protocol.types import Report

MAX_HEAD_BYTES = 2 * 1024 * 1024
"""Above 65,535 updates of 12 bytes in hex, the most that a ledger's limit can be set to."""

_ROOT_BYTES = 32
_FIELDS = frozenset(
    {"chain_id", "ledger", "committee", "nonce", "deadline", "evidence_root", "updates"}
)


@dataclass(frozen=True, slots=True)
class SignRequest:
    """A report, the ledger it is for, and the evidence file behind it."""

    report: Report
    domain: LedgerDomain
    evidence: bytes


def dump_request(request: SignRequest) -> bytes:
    """The body of the HTTP request."""
    report, domain = request.report, request.domain
    head = {
        "chain_id": domain.chain_id,
        "ledger": domain.ledger,
        "committee": report.committee,
        "nonce": report.nonce,
        "deadline": report.deadline,
        "evidence_root": report.evidence_root.hex(),
        "updates": report.updates.hex(),
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + request.evidence


def parse_request(body: bytes) -> SignRequest:
    """Read a request back; raise InputError for anything that `dump_request` does not write.

    The evidence is not looked at here.
    """
    end = body.find(b"\n", 0, MAX_HEAD_BYTES)
    if end < 0 or body.count(b"[", 0, end) or body.count(b"{", 0, end) != 1:
        raise InputError("The request does not begin with one line of flat JSON.")
    try:
        head = json.loads(body[:end])
    except (ValueError, RecursionError) as error:
        raise InputError("The request does not begin with a line of JSON.") from error
    if not isinstance(head, dict) or head.keys() != _FIELDS:
        raise InputError(
            f"The request's first line must have exactly: {', '.join(sorted(_FIELDS))}."
        )
    report = Report(
        committee=_integer(head["committee"], 32),
        nonce=_integer(head["nonce"], 64),
        deadline=_integer(head["deadline"], 64),
        evidence_root=_bytes(head["evidence_root"]),
        updates=_bytes(head["updates"]),
    )
    if len(report.evidence_root) != _ROOT_BYTES:
        raise InputError("An evidence root has 32 bytes.")
    if not isinstance(head["ledger"], str) or not is_checksum_address(head["ledger"]):
        raise InputError("The ledger's address has no valid checksum.")
    domain = LedgerDomain(_integer(head["chain_id"], 64), head["ledger"])
    return SignRequest(report, domain, body[end + 1 :])


def _integer(value: object, bits: int) -> int:
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise InputError(f"A number in the request is outside 0..2^{bits} - 1.")
    return value


def _bytes(value: object) -> bytes:
    try:
        if not isinstance(value, str) or not value.isascii():
            raise ValueError(value)
        decoded = bytes.fromhex(value)
    except ValueError as error:
        raise InputError("Bytes in the request are not written in hexadecimal.") from error
    return decoded
