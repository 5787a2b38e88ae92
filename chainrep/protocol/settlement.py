"""The EIP-712 form of a settlement: what a committee says the root of a disputed epoch is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_account.messages import SignableMessage, encode_typed_data

from chainrep.errors import SignatureError
from chainrep.protocol.typed_data import hash_typed, join_signatures, recover_typed, sign_typed

DOMAIN_NAME = "chainrep ReputationRoots"
_TYPES = {
    "Settlement": [
        {"name": "committee", "type": "uint32"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "epoch", "type": "uint40"},
        {"name": "attempt", "type": "uint48"},
        {"name": "root", "type": "bytes20"},
        {"name": "snapshotHash", "type": "bytes32"},
    ]
}


@dataclass(frozen=True, slots=True)
class RootsDomain:
    """The one ReputationRoots, on the one chain, for which a signature is good."""

    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What members sign: the root (20 bytes) and the snapshot hash (32) of a challenged epoch.

    ``committee`` is the version of the contract's committee, ``nonce`` its next one, ``deadline``
    Unix seconds, ``attempt`` how often the epoch was opened again.
    """

    committee: int
    nonce: int
    deadline: int
    epoch: int
    attempt: int
    root: bytes
    snapshot_hash: bytes


@dataclass(frozen=True, slots=True)
class SignedSettlement:
    """A settlement with its signatures, in the form of `join_signatures`."""

    settlement: Settlement
    signer_mask: int
    signatures: bytes


def settlement_digest(settlement: Settlement, domain: RootsDomain) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    return hash_typed(_typed(settlement, domain))


def sign_settlement(settlement: Settlement, domain: RootsDomain, private_key: bytes) -> bytes:
    """One member's 65-byte signature (r, s, v), low-s."""
    return sign_typed(_typed(settlement, domain), private_key)


def recover_settler(settlement: Settlement, domain: RootsDomain, signature: bytes) -> str:
    """The checksummed address that made the signature.

    Raises SignatureError where it is malformed, or as of `require_canonical`.
    """
    return recover_typed(_typed(settlement, domain), signature)


def collect_settlement(
    settlement: Settlement,
    domain: RootsDomain,
    members: Sequence[str],
    signatures: Mapping[str, bytes],
) -> SignedSettlement:
    """Join signatures by member; raise SignatureError for one that is not its member's."""
    for member, signature in signatures.items():
        if member in members and recover_settler(settlement, domain, signature) != member:
            raise SignatureError(f"The signature given for {member} was made by another key.")
    return SignedSettlement(settlement, *join_signatures(members, signatures))


def _typed(settlement: Settlement, domain: RootsDomain) -> SignableMessage:
    fields = {
        "name": DOMAIN_NAME,
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }
    message = {
        "committee": settlement.committee,
        "nonce": settlement.nonce,
        "deadline": settlement.deadline,
        "epoch": settlement.epoch,
        "attempt": settlement.attempt,
        "root": settlement.root,
        "snapshotHash": settlement.snapshot_hash,
    }
    return encode_typed_data(fields, _TYPES, message)
