"""The Merkle tree over a receipt's leaves, in their order, so that a proof shows the place too.

Unlike `merkle`, whose sorted pairs let a proof go without directions: there a provider could put
two leaves for one place into a tree and open whichever suits. Here the bits of the place say on
which side each sibling stands. Leaves are filled up with zero words to a power of two; a leaf is
hashed twice, a pair once, so that neither passes for the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak

MAX_LEAVES = 2**15
"""A million tokens of 32 a leaf; a proof has at most 15 siblings."""

WORD_BYTES = 32
_FILLER = bytes(WORD_BYTES)


def leaf_hash(header: bytes, place: int, content: bytes, code: bytes) -> bytes:
    """keccak256(keccak256(abi.encode(header, place, content, code))), 32 bytes each.

    ``header`` is the receipt's header digest, so that a leaf belongs to one receipt only. A code
    of fewer than 32 bytes stands at the left. Raises InputError for words of another size.
    """
    if len(header) != WORD_BYTES or len(content) != WORD_BYTES:
        raise InputError("A leaf's header and content are digests of 32 bytes.")
    if not 0 < len(code) <= WORD_BYTES or not 0 <= place < MAX_LEAVES:
        raise InputError(f"A leaf has a code of up to 32 bytes and a place below {MAX_LEAVES}.")
    word = code.ljust(WORD_BYTES, b"\0")
    return keccak(keccak(header + place.to_bytes(WORD_BYTES) + content + word))


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order; raise InputError for none or more than 32,768."""
    return _levels(leaves)[-1][0]


def prove_leaf(leaves: Sequence[bytes], place: int) -> tuple[bytes, ...]:
    """The siblings of the leaf at ``place``, from the leaf up; raise InputError where none is."""
    if not 0 <= place < len(leaves):
        raise InputError(f"There is no leaf {place} among {len(leaves)}.")
    return tuple(level[(place >> depth) ^ 1] for depth, level in enumerate(_levels(leaves)[:-1]))


def leaf_proven(
    root: bytes, leaf: bytes, place: int, leaf_count: int, siblings: Sequence[bytes]
) -> bool:
    """Whether the siblings show the leaf at this place of a tree of so many leaves."""
    if not 0 <= place < leaf_count <= MAX_LEAVES or len(siblings) != tree_depth(leaf_count):
        return False
    node = leaf
    for depth, sibling in enumerate(siblings):
        node = keccak(sibling + node if place >> depth & 1 else node + sibling)
    return node == root


def tree_depth(leaf_count: int) -> int:
    """How many siblings a proof has: 0 for one leaf, else the least d with 2^d leaves or more."""
    return (leaf_count - 1).bit_length()


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    if not 0 < len(leaves) <= MAX_LEAVES:
        raise InputError(f"A receipt has 1 to {MAX_LEAVES} leaves, not {len(leaves)}.")
    width = 1 << tree_depth(len(leaves))
    level = [*leaves, *[_FILLER] * (width - len(leaves))]
    levels = [level]
    while len(level) > 1:
        level = [keccak(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
        levels.append(level)
    return levels
