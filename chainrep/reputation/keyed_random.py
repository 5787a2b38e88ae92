"""Random words that are a function of (key, account, walk, step), and of nothing else.

A key and an account's name give a stream of 128 bits by SHA-256. The words of a walk are a
SplitMix64 sequence (Steele, Lea, Flood 2014; Stafford's thirteenth finalizer) whose state comes
from the stream and the walk's index. An account's number is no part of it, because numbers shift
when accounts are added. The words are uniform but no secret keeps: whoever must not choose edges
with the words in mind has to learn the key after the edges are fixed, or never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.reputation.jit import compiled

KEY_BYTES = 32
_TAG = b"chainrep walk stream 1\n"
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Words = NDArray[np.uint64]
Word = Any
"""An unsigned number inside a kernel, where numba, not mypy, follows the types."""


def streams_of(key: bytes, accounts: Iterable[str]) -> Words:
    """One stream for each account: uint64 of shape (accounts, 2).

    It is the first 16 bytes, big-endian, of SHA-256(tag, key, name). Raises InputError for a key
    that is not 32 bytes.
    """
    if len(key) != KEY_BYTES:
        raise InputError(f"A walk key has {KEY_BYTES} bytes.", "Draw one with os.urandom(32).")
    keyed = hashlib.sha256(_TAG + key)
    found = bytearray()
    for account in accounts:
        digest = keyed.copy()
        digest.update(account.encode())
        found += digest.digest()[:16]
    return np.frombuffer(bytes(found), ">u8").astype(np.uint64).reshape(-1, 2)


@compiled
def mix(word: Word) -> Word:  # pragma: no cover (compiled)
    """A bijection of 64-bit words in which every bit in changes about half of the bits out."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@compiled
def walk_state(high: Word, low: Word, index: Word) -> Word:  # pragma: no cover (compiled)
    """Where the words of a walk start, from its source's stream and its index."""
    return mix(mix(high + index * _GOLDEN) + low)


@compiled
def step_word(state: Word, step: Word) -> Word:  # pragma: no cover (compiled)
    """The word for one step of a walk; steps count from zero."""
    return mix(state + (step + np.uint64(1)) * _GOLDEN)
