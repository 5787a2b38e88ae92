"""Proof that a request to a committee member comes from its coordinator.

The coordinator signs, in EIP-712, the member's address, the SHA-256 of the request's body and when
the proof expires; the proof travels in the Authorization header.

What this protects: a member's time. It checks the header before it reads a body of megabytes, so
a stranger costs it one signature check, not hashing, storage and calls to its chain. What it does
not: the scores. A coordinator's word counts for nothing in what a member signs. Nor does it keep
a request secret, or stop one that was overheard from being sent again before it expires: that
yields the same signature over the same report once more, which is public soon anyway.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chainrep.errors import NotAuthorized
from chainrep.protocol.typed_data import LedgerDomain

LIFETIME_SECONDS = 120
MAX_LIFETIME_SECONDS = 600
"""How far ahead a member lets a proof expire; the two clocks may differ by the rest."""

_TYPES = {
    "SignRequest": [
        {"name": "member", "type": "address"},
        {"name": "body", "type": "bytes32"},
        {"name": "expires", "type": "uint64"},
    ]
}
_HEADER = re.compile(r"Chainrep ([0-9]{1,12}) ([0-9a-f]{64}) ([0-9a-f]{130})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authorization:
    """``body`` is the SHA-256 of the request's body, ``expires`` in Unix seconds."""

    body: bytes
    expires: int
    signature: bytes


def body_digest(body: bytes) -> bytes:
    """The 32 bytes that stand for a request's body."""
    return hashlib.sha256(body).digest()


def authorize(
    body: bytes, expires: int, member: str, domain: LedgerDomain, private_key: bytes
) -> Authorization:
    """Sign one request to one member."""
    digest = body_digest(body)
    message = _typed(digest, expires, member, domain)
    return Authorization(
        digest, expires, bytes(Account.sign_message(message, private_key).signature)
    )


def recover_coordinator(authorization: Authorization, member: str, domain: LedgerDomain) -> str:
    """The checksummed address that signed; raise NotAuthorized where no key can have."""
    message = _typed(authorization.body, authorization.expires, member, domain)
    try:
        return str(Account.recover_message(message, signature=authorization.signature))
    except (BadSignature, ValidationError, ValueError) as error:
        raise NotAuthorized("The request's signature cannot belong to any key.") from error


def dump_authorization(authorization: Authorization) -> str:
    """The value of the Authorization header."""
    body, signature = authorization.body.hex(), authorization.signature.hex()
    return f"Chainrep {authorization.expires} {body} {signature}"


def parse_authorization(header: str) -> Authorization:
    """Read the header; raise NotAuthorized where it is missing or has another form."""
    found = _HEADER.fullmatch(header)
    if found is None:
        raise NotAuthorized("The request carries no signature of a coordinator.")
    expires, body, signature = found.groups()
    return Authorization(bytes.fromhex(body), int(expires), bytes.fromhex(signature))


def _typed(body: bytes, expires: int, member: str, domain: LedgerDomain) -> SignableMessage:
    fields = {
        "name": "chainrep committee",
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.ledger,
    }
    message = {"member": member, "body": body, "expires": expires}
    return encode_typed_data(fields, _TYPES, message)
