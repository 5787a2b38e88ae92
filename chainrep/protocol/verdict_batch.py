"""Verdicts on the wire, and the EIP-712 form of what a committee member signs about them.

A batch has one group per provider, ascending: provider (20 bytes), number of its verdicts (1), and
each of these, receipts ascending: the first 20 bytes of the receipt's digest, and two of verdict
(upper 2 bits) and distance (14). No receipt is in it twice, and a batch has exactly one encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eth_account.messages import SignableMessage, encode_typed_data

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.typed_data import hash_typed, join_signatures, recover_typed, sign_typed
from chainrep.protocol.verdict import ReceiptVerdict, Verdict

DOMAIN_NAME = "chainrep VerdictLedger"
MAX_GROUP = 255
"""Verdicts on one provider in one batch."""
MAX_DISTANCE = 2**14 - 1
_HEAD, _ENTRY, _NAME = 21, 22, 20
_DISTANCE_BITS = 14
_NOBODY = bytes(20)
_TYPES = {
    "Verdicts": [
        {"name": "committee", "type": "uint32"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "evidenceRoot", "type": "bytes32"},
        {"name": "verdicts", "type": "bytes"},
    ]
}


@dataclass(frozen=True, slots=True)
class VerdictDomain:
    """The one VerdictLedger, on the one chain, for which a signature is good."""

    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class VerdictReport:
    """What members sign: packed ``verdicts`` and the root (32 bytes) of what they rest on.

    ``committee`` is the version of the contract's committee, ``nonce`` its next one, ``deadline``
    Unix seconds.
    """

    committee: int
    nonce: int
    deadline: int
    evidence_root: bytes
    verdicts: bytes


@dataclass(frozen=True, slots=True)
class SignedVerdicts:
    """A report with its signatures, in the form of `join_signatures`."""

    report: VerdictReport
    signer_mask: int
    signatures: bytes


def pack_verdicts(verdicts: Iterable[ReceiptVerdict]) -> bytes:
    """One batch, of verdicts in any order; raise InputError where one does not fit or is twice."""
    groups: dict[bytes, dict[bytes, int]] = {}
    for entry in verdicts:
        if len(entry.provider) != _NAME or entry.provider == _NOBODY or len(entry.receipt) != _NAME:
            raise InputError("A verdict names a provider and a receipt by 20 bytes each.")
        if not 0 <= entry.distance <= MAX_DISTANCE:
            raise InputError(f"A distance lies in 0..{MAX_DISTANCE:,}, not at {entry.distance}.")
        group = groups.setdefault(entry.provider, {})
        if entry.receipt in group:
            raise InputError(f"Receipt 0x{entry.receipt.hex()} has two verdicts in one batch.")
        group[entry.receipt] = Verdict(entry.verdict) << _DISTANCE_BITS | entry.distance
    packed = bytearray()
    for provider, group in sorted(groups.items()):
        if len(group) > MAX_GROUP:
            raise InputError(f"A batch has at most {MAX_GROUP} verdicts on one provider.")
        packed += provider + bytes([len(group)])
        packed += b"".join(receipt + group[receipt].to_bytes(2) for receipt in sorted(group))
    return bytes(packed)


def unpack_verdicts(packed: bytes) -> Sequence[ReceiptVerdict]:
    """Read a batch back; raise InputError unless it is one that the contract takes."""
    found: list[ReceiptVerdict] = []
    last, place = _NOBODY, 0
    while place < len(packed) or not found:
        provider, entries = _group_at(packed, place)
        if provider <= last:
            raise InputError(f"Provider 0x{provider.hex()} is not above the one before it.")
        found += _group_verdicts(provider, entries)
        last, place = provider, place + _HEAD + len(entries)
    return found


def verdicts_digest(report: VerdictReport, domain: VerdictDomain) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    return hash_typed(_typed(report, domain))


def sign_verdicts(report: VerdictReport, domain: VerdictDomain, private_key: bytes) -> bytes:
    """One member's 65-byte signature (r, s, v), low-s."""
    return sign_typed(_typed(report, domain), private_key)


def recover_verifier(report: VerdictReport, domain: VerdictDomain, signature: bytes) -> str:
    """The checksummed address that made the signature.

    Raises SignatureError where it is malformed, or as of `require_canonical`.
    """
    return recover_typed(_typed(report, domain), signature)


def collect_verdicts(
    report: VerdictReport,
    domain: VerdictDomain,
    members: Sequence[str],
    signatures: Mapping[str, bytes],
) -> SignedVerdicts:
    """Join signatures by member; raise SignatureError for one that is not its member's."""
    for member, signature in signatures.items():
        if member in members and recover_verifier(report, domain, signature) != member:
            raise SignatureError(f"The signature given for {member} was made by another key.")
    return SignedVerdicts(report, *join_signatures(members, signatures))


def _group_at(packed: bytes, place: int) -> tuple[bytes, bytes]:
    """The provider of the group that begins there, and its packed verdicts."""
    count = packed[place + _NAME] if len(packed) > place + _NAME else 0
    end = place + _HEAD + count * _ENTRY
    if not count or end > len(packed):
        raise InputError(f"A batch of {len(packed)} bytes does not end where its groups do.")
    return packed[place : place + _NAME], packed[place + _HEAD : end]


def _group_verdicts(provider: bytes, entries: bytes) -> Iterator[ReceiptVerdict]:
    last = _NOBODY
    for place in range(0, len(entries), _ENTRY):
        receipt = entries[place : place + _NAME]
        finding = int.from_bytes(entries[place + _NAME : place + _ENTRY])
        if receipt <= last:
            raise InputError(f"Receipt 0x{receipt.hex()} is not above the one before it.")
        if not finding >> _DISTANCE_BITS:
            raise InputError(f"Receipt 0x{receipt.hex()} has no verdict.")
        verdict = Verdict(finding >> _DISTANCE_BITS)
        yield ReceiptVerdict(provider, receipt, verdict, finding & MAX_DISTANCE)
        last = receipt


def _typed(report: VerdictReport, domain: VerdictDomain) -> SignableMessage:
    fields = {
        "name": DOMAIN_NAME,
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }
    message = {
        "committee": report.committee,
        "nonce": report.nonce,
        "deadline": report.deadline,
        "evidenceRoot": report.evidence_root,
        "verdicts": report.verdicts,
    }
    return encode_typed_data(fields, _TYPES, message)
