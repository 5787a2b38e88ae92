"""Ethereum's hash."""

from __future__ import annotations

import sha3


def keccak(content: bytes) -> bytes:
    """Keccak-256 as Ethereum has it (its padding is older than SHA-3's): 32 bytes.

    Straight from the C implementation: a batch takes several hashes per judgement, and the layers
    of eth_utils cost eight times the hash itself.
    """
    return sha3.keccak_256(content).digest()  # type: ignore[no-any-return]
