"""EIP-712 messages of structs without nested or dynamic fields, by hand.

For those the digest is three hashes of known bytes; eth_account's encoder, which takes any type,
needs thirty times as long, and whoever asks many sources checks many signatures.
"""

from __future__ import annotations

from functools import lru_cache

from eth_account.messages import SignableMessage

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak

WORD_BYTES = 32

_DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


def flat_message(separator: bytes, type_hash: bytes, words: tuple[bytes, ...]) -> SignableMessage:
    """What is signed of a struct: its fields are ``words`` of 32 bytes, in their order.

    ``type_hash`` is the keccak256 of the struct's encodeType, as in "Statement(bytes32 slot,…)".
    Raises InputError for a word of another size.
    """
    if any(len(word) != WORD_BYTES for word in words):
        raise InputError("What is signed is made of words of 32 bytes.")
    return SignableMessage(b"\x01", separator, keccak(type_hash + b"".join(words)))


@lru_cache(maxsize=64)
def domain_separator(name: str, version: str, chain_id: int, contract: str) -> bytes:
    """The 32 bytes that bind a signature to one contract (0x…, 20 bytes) on one chain."""
    names = keccak(name.encode()) + keccak(version.encode())
    place = chain_id.to_bytes(32) + bytes.fromhex(contract[2:]).rjust(32, b"\0")
    return keccak(_DOMAIN_TYPE + names + place)
