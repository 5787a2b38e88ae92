"""The EIP-712 form of a rotation: a source goes from one owner to another, and both sign."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import encode_typed_data

_TYPES = {
    "Rotation": [
        {"name": "source", "type": "uint32"},
        {"name": "from", "type": "address"},
        {"name": "to", "type": "address"},
        {"name": "rotations", "type": "uint32"},
        {"name": "deadline", "type": "uint64"},
    ]
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """One change of owner; ``rotations`` counts the earlier ones, ``deadline`` is Unix seconds."""

    source: int
    old_owner: str
    new_owner: str
    rotations: int
    deadline: int


def sign_rotation(rotation: Rotation, chain_id: int, registry: str, private_key: bytes) -> bytes:
    """One owner's 65-byte signature (r, s, v), good for this rotation in this registry only."""
    domain = {
        "name": "chainrep SourceRegistry",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": registry,
    }
    message = {
        "source": rotation.source,
        "from": rotation.old_owner,
        "to": rotation.new_owner,
        "rotations": rotation.rotations,
        "deadline": rotation.deadline,
    }
    typed = encode_typed_data(domain, _TYPES, message)
    return bytes(Account.sign_message(typed, private_key).signature)
