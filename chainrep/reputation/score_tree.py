"""The Merkle tree of one epoch's scores, built eight hashes at a time and proven one by one.

docs/protocol.md, "Reputation tree", says what a leaf is and which nodes form a pair:
`chainrep.protocol.merkle` has the same tree of any leaves. Node i has children 2i + 1 and 2i + 2,
and the leaves stand at the end in descending order; every row of such a tree depends on the row
below alone, so threads share it out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from eth_utils.address import to_checksum_address
from numpy.typing import NDArray

from chainrep.errors import InputError
from chainrep.protocol.reputation_tree import (
    NODE_BYTES,
    ScoreProof,
    TreeDomain,
    address_number,
    leaf_prefix,
    reputation_leaf,
)
from chainrep.reputation.keccak_lanes import Rows20, absorb, hash_leaves, hash_pairs

MAX_SCORES = 2**24
"""No tree has more accounts: it would take 1.1 GiB, and one file of it 448 MiB."""

NAME_CHARACTERS = 42
_WORTH_SHARING = 4096
"""Fewer nodes than this are hashed before a second thread has woken up."""

Rows = NDArray[np.uint8]
Scores = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTree:
    """``accounts`` ascend from the zero account; ``scores[i]`` is that of ``accounts[i]``.

    ``accounts`` is uint8 of shape (leaves, 20), ``scores`` uint64 of shape (leaves,), ``nodes``
    uint8 of shape (2 leaves - 1, 20) with the root first: 68 bytes a leaf.
    """

    domain: TreeDomain
    accounts: Rows
    scores: Scores
    nodes: Rows

    @property
    def leaves(self) -> int:
        """How many leaves there are, the one of account zero included."""
        return len(self.scores)

    @property
    def root(self) -> bytes:
        """The 20 bytes that go on the chain."""
        return bytes(self.nodes[0])

    def prove(self, account: str) -> ScoreProof:
        """Prove the account's score, or that it has none; raise InputError for no address."""
        number = address_number(account)
        if number == 0:
            raise InputError("The zero address has no reputation.")
        wanted = number.to_bytes(NODE_BYTES)
        i = bisect_right(range(self.leaves), wanted, key=lambda k: self.accounts[k].tobytes()) - 1
        found, score, after = self._address(i), int(self.scores[i]), self._address(i + 1)
        leaf = reputation_leaf(self.domain, found, score, after)
        return ScoreProof(found, score, after, self._siblings(leaf))

    def _address(self, i: int) -> str:
        row = self.accounts[i] if i < self.leaves else np.zeros(NODE_BYTES, np.uint8)
        return to_checksum_address(row.tobytes())

    def _siblings(self, leaf: bytes) -> bytes:
        last = len(self.nodes) - 1
        node = last - bisect_left(
            range(self.leaves), leaf, key=lambda k: self.nodes[last - k].tobytes()
        )
        siblings = bytearray()
        while node > 0:
            siblings += self.nodes[node + 1 if node % 2 else node - 1].tobytes()
            node = (node - 1) // 2
        return bytes(siblings)


def account_rows(names: Sequence[str]) -> Rows:
    """Addresses, written as 0x and 40 lower-case digits, as uint8 of shape (names, 20).

    Raises InputError for any other way to write them.
    """
    joined, count = "".join(names), len(names)
    content = joined.encode("ascii", "replace")
    if (
        any(len(name) != NAME_CHARACTERS for name in names)
        or content.translate(None, b"0123456789abcdef") != b"x" * count
        or content[::NAME_CHARACTERS] != b"0" * count
        or content[1::NAME_CHARACTERS] != b"x" * count
    ):
        raise InputError("An account is written as 0x and 40 lower-case hexadecimal digits.")
    # The only letters x are those that begin a name, each after a zero.
    rows = np.frombuffer(bytes.fromhex(joined.replace("0x", "")), np.uint8)
    return rows.reshape(count, NODE_BYTES)


def build_score_tree(
    accounts: Rows, scores: Scores, domain: TreeDomain, threads: int = 1
) -> ScoreTree:
    """Build the tree over ``scores[i]`` of ``accounts[i]``, on so many threads.

    ``accounts`` is uint8 of shape (n, 20), ascending, without twins and without the zero account;
    ``scores`` uint64 of shape (n,), none of them 0; n may be 0 and is at most 2^24. Raises
    InputError for anything else, and for a domain that cannot be.
    """
    _check(accounts, scores)
    leaves = len(scores) + 1
    all_accounts = np.zeros((leaves, NODE_BYTES), np.uint8)
    all_accounts[1:] = accounts
    all_scores = np.zeros(leaves, np.uint64)
    all_scores[1:] = scores
    # The zero account's 12 bytes of padding, and 8 bytes of everybody's, fill up the first block.
    start = absorb(leaf_prefix(domain) + bytes(8))
    nodes = np.empty((2 * leaves - 1, NODE_BYTES), np.uint8)
    bottom = nodes[leaves - 1 :]
    account_words, leaf_words, node_words = map(_words, (all_accounts, bottom, nodes))
    with ThreadPoolExecutor(threads) as pool:

        def share(kernel: Callable[..., None], arrays: Sequence[object], rows: range) -> None:
            cuts = _cuts(rows, threads)
            list(pool.map(lambda i: kernel(*arrays, cuts[i], cuts[i + 1]), range(len(cuts) - 1)))

        share(hash_leaves, (start, account_words, all_scores, leaf_words), range(leaves))
        _strings(bottom).sort()  # in place, and as bytes sort: all 20 of them count
        bottom[:] = bottom[::-1].copy()
        for rows in _levels(leaves - 1):
            share(hash_pairs, (node_words,), rows)
    return ScoreTree(domain, all_accounts, all_scores, nodes)


def _check(accounts: Rows, scores: Scores) -> None:
    if accounts.dtype != np.uint8 or accounts.ndim != 2 or accounts.shape[1] != NODE_BYTES:
        raise InputError("Accounts are rows of 20 bytes.")
    if scores.dtype != np.uint64 or scores.shape != (len(accounts),):
        raise InputError("Scores are one uint64 for each account.")
    if len(scores) > MAX_SCORES:
        raise InputError(f"A tree holds at most {MAX_SCORES:,} scores, not {len(scores):,}.")
    if len(scores) and not scores.all():
        raise InputError("A score in the tree is at least 1; leave out what has none.")
    names = _strings(accounts)
    if len(names) and not (accounts[0].any() and np.all(names[:-1] < names[1:])):
        raise InputError("Accounts must ascend, each of them once, and the zero address never.")


def _levels(inner: int) -> Iterator[range]:
    """The inner nodes 0 to ``inner - 1``, row by row of the tree, the lowest first."""
    for depth in reversed(range(inner.bit_length())):
        yield range(2**depth - 1, min(2 ** (depth + 1) - 1, inner))


def _cuts(rows: range, threads: int) -> Sequence[int]:
    """Where to cut the rows into as many parts as are worth a thread each."""
    parts = max(1, min(threads, len(rows) // _WORTH_SHARING))
    return [rows.start + len(rows) * i // parts for i in range(parts + 1)]


def _words(rows: Rows) -> Rows20:
    return rows.view("<u4")


def _strings(rows: Rows) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(rows).view(f"S{NODE_BYTES}").ravel()
