"""Personal reputation: keyed random walks from one's own seeds, and whom they meet.

A walk is a function of (key, name of its source, its index, graph). At each account it ends with
probability ``stop`` / 2^16, or where nobody is trusted, or after 64 steps; else it goes on to a
trusted account in proportion to weight. An account's personal score is the number of walks that
meet it. The words that decide do not depend on the edges, so until a walk first meets an account
that account's own edges have no say: they cannot change its own score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.alias import Alias, Table, chosen_account, chosen_record
from chainrep.reputation.graph import Graph, Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Words, step_word, streams_of, walk_state
from chainrep.reputation.pagerank import check_seeds
from chainrep.reputation.prefetch import prefetch
from chainrep.reputation.units import WHOLE

LIMIT = 64
"""Steps after which a walk ends whatever the words say."""
DISCOVERY_STOP = 9_830
"""0.15 of 2^16."""
MAX_WALKS = 2**31 - 1
_GROUP = 512
"""Walks that advance side by side, so that each one's memory has time to arrive."""
_PIECE = 2**15
_DIGESTED = 2**22


@dataclass(frozen=True, slots=True)
class Walks:
    """Paths ``node[start[w]:start[w + 1]]``, each beginning with its source.

    ``start`` is int64 of shape (walks + 1,), ``node`` int32 of shape (visits,). Walk w is number
    w % ``per_seed`` of source ``seeds[w // per_seed]``; ``seeds`` is int32 and ascends.
    """

    seeds: Nodes
    per_seed: int
    start: Ints
    node: Nodes

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def source(self) -> Nodes:
        """The source of each walk: int32 of shape (walks,)."""
        return np.repeat(self.seeds, self.per_seed)


def walk_from(
    graph: Graph,
    alias: Alias,
    seeds: Sequence[int],
    walks_per_seed: int,
    key: bytes,
    stop: int = DISCOVERY_STOP,
    threads: int = 1,
) -> Walks:
    """So many walks from each seed; the same for any number of threads.

    ``alias`` belongs to ``graph``; ``key`` is 32 bytes; 0 < stop <= 2^16. Raises InputError for
    what lies outside these bounds, for too many walks, and as `check_seeds`.
    """
    if not 0 < stop <= WHOLE:
        raise InputError(f"The chance to stop lies in 1..{WHOLE} parts of {WHOLE}.")
    ordered = np.asarray(check_seeds(seeds, graph.size), np.int32)
    walks = len(ordered) * walks_per_seed
    if walks_per_seed < 1 or walks > MAX_WALKS:
        raise InputError(f"There are 1 to {MAX_WALKS:,} walks.", "Ask for fewer per seed.")
    if alias.row.shape != (graph.size, 2) or len(alias.table) != graph.edges:
        raise InputError("The alias tables belong to another graph.", "Build them from this one.")
    streams = streams_of(key, (graph.accounts[i] for i in ordered))

    def piece(first: int) -> tuple[Ints, Nodes]:
        many = min(_PIECE, walks - first)
        lengths = np.empty(many, np.int64)
        node = np.empty(many * (LIMIT + 1), np.int32)
        used = _walk(
            first, ordered, streams, walks_per_seed, alias.row, alias.table, stop, lengths, node
        )
        return lengths, node[:used].copy()

    with ThreadPoolExecutor(threads) as pool:
        pieces = list(pool.map(piece, range(0, walks, _PIECE)))
    start = np.zeros(walks + 1, np.int64)
    np.cumsum(np.concatenate([lengths for lengths, _ in pieces]), out=start[1:])
    return Walks(ordered, walks_per_seed, start, np.concatenate([node for _, node in pieces]))


def join_walks(parts: Sequence[Walks]) -> Walks:
    """The walks of shards as one; each shard's seeds ascend from the last one's."""
    seeds = np.concatenate([part.seeds for part in parts])
    if (np.diff(seeds) <= 0).any() or len({part.per_seed for part in parts}) != 1:
        raise InputError("Shards ascend by seed and have as many walks from each.")
    start = np.zeros(len(seeds) * parts[0].per_seed + 1, np.int64)
    np.cumsum(np.concatenate([np.diff(part.start) for part in parts]), out=start[1:])
    return Walks(seeds, parts[0].per_seed, start, np.concatenate([part.node for part in parts]))


def hits(walks: Walks, size: int, threads: int = 1) -> Ints:
    """How many walks meet each account, the source included: int64 of shape (size,)."""
    cuts = [len(walks) * i // threads for i in range(threads + 1)]

    def count(i: int) -> Ints:
        met = np.zeros((size, 2), np.int64)
        _count(cuts[i], cuts[i + 1], walks.start, walks.node, met)
        return met[:, 1]

    with ThreadPoolExecutor(threads) as pool:
        return np.asarray(np.sum(list(pool.map(count, range(threads))), axis=0))


def digest(walks: Walks) -> bytes:
    """SHA-256 of every path: the number of walks, where each begins, and all visits in order."""
    found = hashlib.sha256(b"chainrep walks 1\n" + len(walks).to_bytes(8))
    for column, form in ((walks.start, ">u8"), (walks.node, ">u4")):
        for at in range(0, len(column), _DIGESTED):
            found.update(column[at : at + _DIGESTED].astype(form).tobytes())
    return found.digest()


@compiled
def _walk(
    first: int,
    seeds: Nodes,
    streams: Words,
    per_seed: int,
    row: Table,
    table: Table,
    stop: int,
    lengths: Ints,
    node: Nodes,
) -> int:  # pragma: no cover (compiled)
    """Walks ``first`` .. ``first + len(lengths)``, one after the other in ``node``."""
    one, chance = np.uint64(1), np.uint64(stop)
    path = np.empty((_GROUP, LIMIT + 1), np.int32)
    length = np.empty(_GROUP, np.int64)
    # Of the walks that still run, side by side: which, its words, where it is, what it drew.
    lane = np.empty(_GROUP, np.uint64)
    state = np.empty(_GROUP, np.uint64)
    here = np.empty(_GROUP, np.uint64)
    record = np.empty(_GROUP, np.uint64)
    drawn = np.empty(_GROUP, np.uint64)
    width = np.empty(_GROUP, np.uint64)
    used = 0
    for begin in range(0, len(lengths), _GROUP):
        many = np.uint64(min(_GROUP, len(lengths) - begin))
        for k in range(many):
            walk = np.uint64(first + begin) + k
            seed = walk // np.uint64(per_seed)
            lane[k] = k
            state[k] = walk_state(
                streams[seed, 0], streams[seed, 1], walk - seed * np.uint64(per_seed)
            )
            here[k] = np.uint64(seeds[seed])
            path[k, 0] = seeds[seed]
            length[k] = 1
            prefetch(row, here[k])
        running = many
        for step in range(np.uint64(LIMIT)):
            going = np.uint64(0)
            for k in range(running):
                word = step_word(state[k], step)
                begins, degree = np.uint64(row[here[k], 0]), np.uint64(row[here[k], 1])
                # The columns close up over walks that end; no branch, for none could be foreseen.
                at = chosen_record(begins, degree, word)
                prefetch(table, at)
                lane[going] = lane[k]
                state[going] = state[k]
                record[going] = at
                drawn[going] = word
                width[going] = degree
                going += np.uint64(((word & np.uint64(0xFFFF)) >= chance) & (degree > 0))
            running = going
            if running == 0:
                break
            for k in range(running):
                account = np.uint64(chosen_account(table, record[k], width[k], drawn[k]))
                prefetch(row, account)
                here[k] = account
                path[lane[k], step + one] = account
                length[lane[k]] = np.int64(step) + 2
        for k in range(many):
            for i in range(np.uint64(length[k])):
                node[used] = path[k, i]
                used += 1
            lengths[np.uint64(begin) + k] = length[k]
    return used


@compiled
def _count(
    first: int, last: int, start: Ints, node: Nodes, met: Ints
) -> None:  # pragma: no cover (compiled)
    """``met`` is (number of the walk met last, walks met); walks count from 1 here."""
    ahead, final = np.uint64(16), np.uint64(len(node) - 1)
    for walk in range(first, last):
        for i in range(np.uint64(start[walk]), np.uint64(start[walk + 1])):
            prefetch(met, np.uint64(node[min(i + ahead, final)]))
            account = np.uint64(node[i])
            met[account, 1] += met[account, 0] != walk + 1
            met[account, 0] = walk + 1
