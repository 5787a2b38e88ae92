"""The EIP-712 form of what a committee member signs: a report, or that a nonce is cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from coincurve import PublicKey
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.address import to_checksum_address

from chainrep.errors import SignatureError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.types import Report, SignedReport

DOMAIN_NAME = "chainrep ScoreLedger"
DOMAIN_VERSION = "1"
SIGNATURE_BYTES = 65
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order: of a signature's two forms the contracts take the lower one only."""

_REPORT = {
    "Report": [
        {"name": "committee", "type": "uint32"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "evidenceRoot", "type": "bytes32"},
        {"name": "updates", "type": "bytes"},
    ]
}
_CANCELLATION = {
    "Cancellation": [
        {"name": "committee", "type": "uint32"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
    ]
}


@dataclass(frozen=True, slots=True)
class LedgerDomain:
    """The one ledger, on the one chain, for which a signature is good."""

    chain_id: int
    ledger: str


def report_digest(report: Report, domain: LedgerDomain) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    return hash_typed(_typed_report(report, domain))


def sign_report(report: Report, domain: LedgerDomain, private_key: bytes) -> bytes:
    """One member's 65-byte signature (r, s, v), low-s."""
    return sign_typed(_typed_report(report, domain), private_key)


def recover_signer(report: Report, domain: LedgerDomain, signature: bytes) -> str:
    """The checksummed address that made the signature.

    Raises SignatureError where it is malformed, or as of `require_canonical`.
    """
    return recover_typed(_typed_report(report, domain), signature)


def hash_typed(message: SignableMessage) -> bytes:
    """The 32 bytes that are signed of any EIP-712 message."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def sign_typed(message: SignableMessage, private_key: bytes) -> bytes:
    """A key's 65-byte signature (r, s, v) of any EIP-712 message, low-s."""
    return bytes(Account.sign_message(message, private_key).signature)


def recover_typed(message: SignableMessage, signature: bytes) -> str:
    """The checksummed address that signed; raise SignatureError as of `recover_signer`."""
    require_canonical(signature)
    compact = signature[:64] + bytes([signature[64] - 27])
    try:  # straight from libsecp256k1: eth_account's layers cost three times the recovery itself
        key = PublicKey.from_signature_and_message(compact, hash_typed(message), hasher=None)
    except ValueError as error:
        raise SignatureError("The signature cannot belong to any key.") from error
    return _checksummed(keccak(key.format(compressed=False)[1:])[-20:])


def require_canonical(signature: bytes) -> None:
    """Raise SignatureError unless it is in the one form that the contracts take.

    That is 65 bytes (r, s, v) with s in the lower half of the order and v 27 or 28: OpenZeppelin's
    ECDSA takes no other form, although the same key could have made it.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError(f"A signature has 65 bytes, this one has {len(signature)}.")
    if signature[64] not in {27, 28}:
        raise SignatureError("The signature cannot belong to any key.")
    if int.from_bytes(signature[32:64]) > _HIGHEST_S:
        raise SignatureError("The signature is in a form that the contracts do not take.")


def sign_cancellation(
    committee: int, nonce: int, deadline: int, domain: LedgerDomain, private_key: bytes
) -> bytes:
    """One member's signature that a nonce shall be used up without a batch."""
    message = {"committee": committee, "nonce": nonce, "deadline": deadline}
    typed = encode_typed_data(_fields(domain), _CANCELLATION, message)
    return sign_typed(typed, private_key)


def collect_signatures(
    report: Report,
    domain: LedgerDomain,
    members: Sequence[str],
    signatures: Mapping[str, bytes],
    contract_signatures: Mapping[str, bytes] | None = None,
) -> SignedReport:
    """Join signatures by member address into mask and bytes.

    ``contract_signatures`` are those of members that are contracts (ERC-1271), on which only the
    contract itself can judge. Raises SignatureError when another one was not made by the member it
    stands for.
    """
    for member, signature in signatures.items():
        if member in members and recover_signer(report, domain, signature) != member:
            raise SignatureError(f"The signature given for {member} was made by another key.")
    mask, joined = join_signatures(members, signatures, contract_signatures)
    return SignedReport(report, mask, joined)


def join_signatures(
    members: Sequence[str],
    signatures: Mapping[str, bytes],
    contract_signatures: Mapping[str, bytes] | None = None,
) -> tuple[int, bytes]:
    """Signer mask and signature bytes as the contracts read them.

    A key's signature stands as its 65 bytes. A contract's has a header of 65 bytes before it: its
    length in the place of r, and zero in those of s and v, which no key's signature can have.
    """
    contracts = contract_signatures or {}
    mask, joined = 0, b""
    for i, member in enumerate(members):
        if member in signatures:
            joined += signatures[member]
        elif member in contracts:
            own = contracts[member]
            joined += len(own).to_bytes(32) + bytes(33) + own
        else:
            continue
        mask |= 1 << i
    return mask, joined


@lru_cache(maxsize=4_096)
def _checksummed(account: bytes) -> str:
    return str(to_checksum_address(account))


def _typed_report(report: Report, domain: LedgerDomain) -> SignableMessage:
    message = {
        "committee": report.committee,
        "nonce": report.nonce,
        "deadline": report.deadline,
        "evidenceRoot": report.evidence_root,
        "updates": report.updates,
    }
    return encode_typed_data(_fields(domain), _REPORT, message)


def _fields(domain: LedgerDomain) -> dict[str, Any]:
    return {
        "name": DOMAIN_NAME,
        "version": DOMAIN_VERSION,
        "chainId": domain.chain_id,
        "verifyingContract": domain.ledger,
    }
