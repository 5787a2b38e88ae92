"""Keccak-256 of many short messages at once: eight states side by side, one instruction for each.

The 25 words of eight states lie in one array, word by word: ``state[word * LANES + lane]``. Every
step of the permutation is then a loop over eight neighbours, which the compiler turns into vector
instructions (`scripts/bench reputation` has the hashes per second, beside safe-pysha3's). FIPS 202,
sections 3.2 and 3.3, with the padding of Ethereum (0x01).

Nodes and accounts come as uint32 of shape (rows, 5), their 20 bytes read in little-endian order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrep.reputation.jit import compiled

LANES = 8
WORDS = 25
RATE_WORDS = 17
"""The part of a state into which a message goes: 136 bytes."""

Words = NDArray[np.uint64]
Rows20 = NDArray[np.uint32]

_CONSTANTS = np.array(
    [
        0x0000000000000001,
        0x0000000000008082,
        0x800000000000808A,
        0x8000000080008000,
        0x000000000000808B,
        0x0000000080000001,
        0x8000000080008081,
        0x8000000000008009,
        0x000000000000008A,
        0x0000000000000088,
        0x0000000080008009,
        0x000000008000000A,
        0x000000008000808B,
        0x800000000000008B,
        0x8000000000008089,
        0x8000000000008003,
        0x8000000000008002,
        0x8000000000000080,
        0x000000000000800A,
        0x800000008000000A,
        0x8000000080008081,
        0x8000000000008080,
        0x0000000080000001,
        0x8000000080008008,
    ],
    np.uint64,
)
_FIRST, _LAST = np.uint64(1), np.uint64(1 << 63)
"""What stands around the padding: its first bit, and its last in the last word."""


def absorb(block: bytes) -> Words:
    """The state after a first whole block of 136 bytes: uint64 of shape (25,)."""
    if len(block) != RATE_WORDS * 8:
        raise ValueError(f"A block has {RATE_WORDS * 8} bytes.")
    state = np.zeros((WORDS, LANES), np.uint64)
    state[:RATE_WORDS] = np.frombuffer(block, "<u8")[:, None]
    flat = state.ravel()
    permute(flat)
    return flat[::LANES].copy()


@compiled
def hash_leaves(
    after_prefix: Words, accounts: Rows20, scores: Words, leaves: Rows20, first: int, last: int
) -> None:  # pragma: no cover (compiled)
    """Write the nodes of the leaves ``first`` to ``last - 1``.

    ``after_prefix`` is the state after the 128 bytes that all leaves share and the 8 zeros that
    begin every account's word; the rest of a leaf is one block of 88 bytes.
    """
    s = np.zeros(WORDS * LANES, np.uint64)
    for at in range(first, last, LANES):
        held = min(LANES, last - at)
        for word in range(WORDS):
            for i in range(LANES):
                s[word * LANES + i] = after_prefix[word]
        for i in range(held):
            row = at + i
            _mix_in(s, 0, i, accounts, row)
            s[6 * LANES + i] ^= _reversed(scores[row])
            if row + 1 < len(accounts):
                _mix_in(s, 8, i, accounts, row + 1)
            s[11 * LANES + i] ^= _FIRST
            s[16 * LANES + i] ^= _LAST
        permute(s)
        s[4 * LANES : 5 * LANES] = _FIRST
        s[5 * LANES :] = 0
        s[16 * LANES : 17 * LANES] = _LAST
        permute(s)
        for i in range(held):
            _take_node(s, i, leaves, at + i)


@compiled
def hash_pairs(nodes: Rows20, first: int, last: int) -> None:  # pragma: no cover (compiled)
    """Write the nodes ``first`` to ``last - 1``, whose children 2i + 1 and 2i + 2 are written."""
    s = np.zeros(WORDS * LANES, np.uint64)
    for at in range(first, last, LANES):
        held = min(LANES, last - at)
        s[:] = 0
        for i in range(held):
            left, right = 2 * (at + i) + 1, 2 * (at + i) + 2
            if not _ascend(nodes, left, right):
                left, right = right, left
            for k in range(5):
                a, b = nodes[left, k], nodes[right, k]
                s[(k // 2) * LANES + i] |= np.uint64(a) << np.uint64(32 * (k % 2))
                s[((k + 5) // 2) * LANES + i] |= np.uint64(b) << np.uint64(32 * ((k + 1) % 2))
            s[5 * LANES + i] = _FIRST
            s[16 * LANES + i] = _LAST
        permute(s)
        for i in range(held):
            _take_node(s, i, nodes, at + i)


@compiled
def _mix_in(
    s: Words, word: int, i: int, rows: Rows20, row: int
) -> None:  # pragma: no cover (compiled)
    """Xor 4 zero bytes and a row's 20 into three words of one state."""
    s[word * LANES + i] ^= np.uint64(rows[row, 0]) << np.uint64(32)
    for k in (1, 2):
        low, high = np.uint64(rows[row, 2 * k - 1]), np.uint64(rows[row, 2 * k])
        s[(word + k) * LANES + i] ^= low | high << np.uint64(32)


@compiled
def _take_node(s: Words, i: int, rows: Rows20, row: int) -> None:  # pragma: no cover (compiled)
    """Keep the first 20 bytes of a hash."""
    for k in range(5):
        rows[row, k] = np.uint32(s[(k // 2) * LANES + i] >> np.uint64(32 * (k % 2)))


@compiled
def _ascend(nodes: Rows20, a: int, b: int) -> bool:  # pragma: no cover (compiled)
    """Whether node ``a`` comes before node ``b`` as bytes do."""
    for k in range(5):
        if nodes[a, k] != nodes[b, k]:
            return bool(_reversed(np.uint64(nodes[a, k])) < _reversed(np.uint64(nodes[b, k])))
    return False


@compiled
def _reversed(word: np.uint64) -> np.uint64:  # pragma: no cover (compiled)
    """The eight bytes in the other order."""
    mask = np.uint64(0x00FF00FF00FF00FF)
    word = (word >> np.uint64(8)) & mask | (word & mask) << np.uint64(8)
    mask = np.uint64(0x0000FFFF0000FFFF)
    word = (word >> np.uint64(16)) & mask | (word & mask) << np.uint64(16)
    return word >> np.uint64(32) | word << np.uint64(32)


@compiled
def permute(s: Words) -> None:  # noqa: PLR0915  # pragma: no cover (compiled)
    """Keccak-f[1600] of the eight states, in place: uint64 of shape (200,)."""
    for constant in _CONSTANTS:
        for i in range(LANES):
            a0 = s[i]
            a1 = s[1 * LANES + i]
            a2 = s[2 * LANES + i]
            a3 = s[3 * LANES + i]
            a4 = s[4 * LANES + i]
            a5 = s[5 * LANES + i]
            a6 = s[6 * LANES + i]
            a7 = s[7 * LANES + i]
            a8 = s[8 * LANES + i]
            a9 = s[9 * LANES + i]
            a10 = s[10 * LANES + i]
            a11 = s[11 * LANES + i]
            a12 = s[12 * LANES + i]
            a13 = s[13 * LANES + i]
            a14 = s[14 * LANES + i]
            a15 = s[15 * LANES + i]
            a16 = s[16 * LANES + i]
            a17 = s[17 * LANES + i]
            a18 = s[18 * LANES + i]
            a19 = s[19 * LANES + i]
            a20 = s[20 * LANES + i]
            a21 = s[21 * LANES + i]
            a22 = s[22 * LANES + i]
            a23 = s[23 * LANES + i]
            a24 = s[24 * LANES + i]
            c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
            c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
            c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
            c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
            c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
            d0 = c4 ^ (c1 << 1 | c1 >> 63)
            d1 = c0 ^ (c2 << 1 | c2 >> 63)
            d2 = c1 ^ (c3 << 1 | c3 >> 63)
            d3 = c2 ^ (c4 << 1 | c4 >> 63)
            d4 = c3 ^ (c0 << 1 | c0 >> 63)
            b0 = a0 ^ d0
            t = a6 ^ d1
            b1 = t << 44 | t >> 20
            t = a12 ^ d2
            b2 = t << 43 | t >> 21
            t = a18 ^ d3
            b3 = t << 21 | t >> 43
            t = a24 ^ d4
            b4 = t << 14 | t >> 50
            t = a3 ^ d3
            b5 = t << 28 | t >> 36
            t = a9 ^ d4
            b6 = t << 20 | t >> 44
            t = a10 ^ d0
            b7 = t << 3 | t >> 61
            t = a16 ^ d1
            b8 = t << 45 | t >> 19
            t = a22 ^ d2
            b9 = t << 61 | t >> 3
            t = a1 ^ d1
            b10 = t << 1 | t >> 63
            t = a7 ^ d2
            b11 = t << 6 | t >> 58
            t = a13 ^ d3
            b12 = t << 25 | t >> 39
            t = a19 ^ d4
            b13 = t << 8 | t >> 56
            t = a20 ^ d0
            b14 = t << 18 | t >> 46
            t = a4 ^ d4
            b15 = t << 27 | t >> 37
            t = a5 ^ d0
            b16 = t << 36 | t >> 28
            t = a11 ^ d1
            b17 = t << 10 | t >> 54
            t = a17 ^ d2
            b18 = t << 15 | t >> 49
            t = a23 ^ d3
            b19 = t << 56 | t >> 8
            t = a2 ^ d2
            b20 = t << 62 | t >> 2
            t = a8 ^ d3
            b21 = t << 55 | t >> 9
            t = a14 ^ d4
            b22 = t << 39 | t >> 25
            t = a15 ^ d0
            b23 = t << 41 | t >> 23
            t = a21 ^ d1
            b24 = t << 2 | t >> 62
            s[i] = b0 ^ (~b1 & b2) ^ constant
            s[1 * LANES + i] = b1 ^ (~b2 & b3)
            s[2 * LANES + i] = b2 ^ (~b3 & b4)
            s[3 * LANES + i] = b3 ^ (~b4 & b0)
            s[4 * LANES + i] = b4 ^ (~b0 & b1)
            s[5 * LANES + i] = b5 ^ (~b6 & b7)
            s[6 * LANES + i] = b6 ^ (~b7 & b8)
            s[7 * LANES + i] = b7 ^ (~b8 & b9)
            s[8 * LANES + i] = b8 ^ (~b9 & b5)
            s[9 * LANES + i] = b9 ^ (~b5 & b6)
            s[10 * LANES + i] = b10 ^ (~b11 & b12)
            s[11 * LANES + i] = b11 ^ (~b12 & b13)
            s[12 * LANES + i] = b12 ^ (~b13 & b14)
            s[13 * LANES + i] = b13 ^ (~b14 & b10)
            s[14 * LANES + i] = b14 ^ (~b10 & b11)
            s[15 * LANES + i] = b15 ^ (~b16 & b17)
            s[16 * LANES + i] = b16 ^ (~b17 & b18)
            s[17 * LANES + i] = b17 ^ (~b18 & b19)
            s[18 * LANES + i] = b18 ^ (~b19 & b15)
            s[19 * LANES + i] = b19 ^ (~b15 & b16)
            s[20 * LANES + i] = b20 ^ (~b21 & b22)
            s[21 * LANES + i] = b21 ^ (~b22 & b23)
            s[22 * LANES + i] = b22 ^ (~b23 & b24)
            s[23 * LANES + i] = b23 ^ (~b24 & b20)
            s[24 * LANES + i] = b24 ^ (~b20 & b21)
