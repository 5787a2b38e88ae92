"""The EIP-712 form of a report: what a committee member sees, signs and can be held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from chainrep.errors import SignatureError
from chainrep.protocol.types import Report, SignedReport

DOMAIN_NAME = "chainrep ScoreLedger"
DOMAIN_VERSION = "1"
SIGNATURE_BYTES = 65

_TYPES = {
    "Report": [
        {"name": "committee", "type": "uint32"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "evidenceRoot", "type": "bytes32"},
        {"name": "updates", "type": "bytes"},
    ]
}


@dataclass(frozen=True, slots=True)
class LedgerDomain:
    """The one ledger, on the one chain, for which a signature is good."""

    chain_id: int
    ledger: str


def report_digest(report: Report, domain: LedgerDomain) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    message = _typed_report(report, domain)
    return keccak(b"\x19" + message.version + message.header + message.body)


def sign_report(report: Report, domain: LedgerDomain, private_key: bytes) -> bytes:
    """One member's 65-byte signature (r, s, v), low-s."""
    return bytes(Account.sign_message(_typed_report(report, domain), private_key).signature)


def recover_signer(report: Report, domain: LedgerDomain, signature: bytes) -> str:
    """The checksummed address that made the signature; raise SignatureError if it is malformed."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError(f"A signature has 65 bytes, this one has {len(signature)}.")
    try:
        return str(Account.recover_message(_typed_report(report, domain), signature=signature))
    except (BadSignature, ValidationError, ValueError) as error:
        raise SignatureError("The signature cannot belong to any key.") from error


def collect_signatures(
    report: Report,
    domain: LedgerDomain,
    members: Sequence[str],
    signatures: Mapping[str, bytes],
) -> SignedReport:
    """Join signatures by member address into mask and bytes.

    Raises SignatureError when one was not made by the member it stands for.
    """
    mask, joined = 0, b""
    for i, member in enumerate(members):
        if member not in signatures:
            continue
        if recover_signer(report, domain, signatures[member]) != member:
            raise SignatureError(f"The signature given for {member} was made by another key.")
        mask |= 1 << i
        joined += signatures[member]
    return SignedReport(report, mask, joined)


def _typed_report(report: Report, domain: LedgerDomain) -> SignableMessage:
    fields: dict[str, Any] = {
        "name": DOMAIN_NAME,
        "version": DOMAIN_VERSION,
        "chainId": domain.chain_id,
        "verifyingContract": domain.ledger,
    }
    message = {
        "committee": report.committee,
        "nonce": report.nonce,
        "deadline": report.deadline,
        "evidenceRoot": report.evidence_root,
        "updates": report.updates,
    }
    return encode_typed_data(fields, _TYPES, message)
