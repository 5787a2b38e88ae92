"""Ballots: what a verifier seals before a leaf is opened, and shows after it.

A seat commits to its own code of the drawn leaf with a salt, so that nobody can copy it, and signs
the commitment, so that anyone may carry it. The commitment names seat, job and round: one that is
copied cannot be opened by another seat.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.messages import SignableMessage, encode_typed_data

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.job_terms import JobDomain, encode_words
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_tree import WORD_BYTES
from chainrep.protocol.typed_data import hash_typed, recover_typed, sign_typed

DOMAIN_NAME = "chainrep VerificationJobs"
NO_CODE = bytes(WORD_BYTES)
"""The code of a seat that abstains: it cannot tell."""
DISAGREE = b"\xff" * WORD_BYTES
"""The code of a seat that disagrees whatever the provider's code is: with the header, or with the
choice of the tokens."""
SHORT_SIGNATURE_BYTES = 64
_HIGH_BIT = 1 << 255
_TYPES = {
    "Ballot": [
        {"name": "jobId", "type": "uint256"},
        {"name": "turn", "type": "uint256"},
        {"name": "seat", "type": "uint24"},
        {"name": "commitment", "type": "bytes32"},
    ]
}


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a seat's owner signs: that the seat commits so in this turn of a job, which has panel,
    leaf and the draw's salt in it: after a reorganisation it is good for no other draw."""

    job: int
    turn: int
    seat: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class SealedBallot:
    """A commitment for a place of the panel, with its owner's signature as of `sign_ballot`.

    The owner itself, as the sender, needs none: b"".
    """

    place: int
    commitment: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.commitment) != WORD_BYTES:
            raise InputError("A commitment has 32 bytes.")
        if len(self.signature) not in {0, SHORT_SIGNATURE_BYTES}:
            raise InputError("A ballot's signature has 64 bytes.")


@dataclass(frozen=True, slots=True)
class Reveal:
    """A seat's code, of up to 32 bytes, and salt, of 32 that are not all zero."""

    code: bytes
    salt: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.code) <= WORD_BYTES:
            raise InputError("A code has up to 32 bytes.")
        if len(self.salt) != WORD_BYTES or not any(self.salt):
            raise InputError("A ballot's salt has 32 bytes, not all of them zero.")


def code_word(code: bytes) -> bytes:
    """A code as a word of 32 bytes: a shorter one stands at the left, as in a receipt's leaf."""
    return code.ljust(WORD_BYTES, b"\0")


def commitment_of(job: int, round_number: int, seat: int, reveal: Reveal) -> bytes:
    """keccak256(abi.encode(code, salt, seat, job, round)): what the seat seals."""
    word = code_word(reveal.code)
    return keccak(encode_words(word, reveal.salt, seat, job, round_number))


def ballot_digest(ballot: Ballot, domain: JobDomain) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    return hash_typed(_typed(ballot, domain))


def sign_ballot(ballot: Ballot, domain: JobDomain, private_key: bytes) -> bytes:
    """The owner's signature in the short form of EIP-2098: r, then s with the parity above it."""
    signature = sign_typed(_typed(ballot, domain), private_key)
    parity = (signature[64] - 27) * _HIGH_BIT
    return signature[:32] + (int.from_bytes(signature[32:64]) | parity).to_bytes(WORD_BYTES)


def recover_voter(ballot: Ballot, domain: JobDomain, signature: bytes) -> str:
    """The checksummed address that signed; raise SignatureError for what no key can have made."""
    if len(signature) != SHORT_SIGNATURE_BYTES:
        raise SignatureError(f"A ballot's signature has 64 bytes, this one has {len(signature)}.")
    rest = int.from_bytes(signature[32:])
    s, parity = rest & ~_HIGH_BIT, rest >> 255
    long_form = signature[:32] + s.to_bytes(WORD_BYTES) + bytes([27 + parity])
    return recover_typed(_typed(ballot, domain), long_form)


def _typed(ballot: Ballot, domain: JobDomain) -> SignableMessage:
    fields = {
        "name": DOMAIN_NAME,
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }
    message = {
        "jobId": ballot.job,
        "turn": ballot.turn,
        "seat": ballot.seat,
        "commitment": ballot.commitment,
    }
    return encode_typed_data(fields, _TYPES, message)
