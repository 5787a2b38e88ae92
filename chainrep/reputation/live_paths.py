"""Paths that can be cut and continued, and for each account the walks that meet it.

A path lies in chunks of 15 visits. Where a walk meets an account for the first time, the visit is
linked into that account's list, forwards and backwards, so that it can be taken out without a
search. A list's order depends on what came before; what it holds does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrep.reputation.graph import Ints, Nodes
from chainrep.reputation.jit import compiled
from chainrep.reputation.keyed_random import Word
from chainrep.reputation.walks import LIMIT, Walks

PER_CHUNK = np.uint64(15)
ROOM = (LIMIT + 1 + 14) // 15
"""Chunks that the longest path takes."""
NOTHING, NOT_LINKED = -1, -2
NEXT, PREVIOUS = np.uint64(1), np.uint64(2)
"""Lines of a chunk after the one of its accounts; three in all."""
META = np.uint64(15)
"""The sixteenth place: which chunk follows; the path's length; walk * 8 + the how-manieth chunk."""
TOP = np.uint64(1)
_FREE = np.uint64(0)
_MAX_CHUNKS = 2**27 - 1
_LINE_BYTES = 64
_THREE, _FOUR, _LOW = np.uint64(3), np.uint64(4), np.uint64(15)


@dataclass(slots=True)
class LivePaths:
    """``line`` is int32 of shape (3 * chunks, 16): accounts, next visits, previous visits by turns.

    ``met`` is int32 of shape (accounts, 2): the first visit in the list, and how many walks there
    are in it. ``pool`` is int64 of shape (2,): the first free chunk, and how many were ever used.
    A visit's number is 16 * chunk + place. A walk's first chunk has the walk's number.
    """

    line: Nodes
    met: Nodes
    pool: Ints


def link_paths(walks: Walks, size: int) -> LivePaths:
    """The paths of these walks with the lists of ``size`` accounts."""
    chunks = int(((np.diff(walks.start) + 14) // 15).sum())
    paths = LivePaths(
        _lines(chunks + chunks // 8 + 1024),
        np.zeros((size, 2), np.int32),
        np.array([NOTHING, len(walks)], np.int64),
    )
    paths.met[:, 0] = NOTHING
    _link_all(walks.start, walks.node, paths.line, paths.met, paths.pool)
    return paths


def grow(paths: LivePaths) -> None:
    """Make room for half as many chunks again, or for as many as there can be.

    Raises MemoryError where there is room for that many already.
    """
    chunks = len(paths.line) // 3
    if chunks >= _MAX_CHUNKS:
        raise MemoryError("more than 2^27 chunks of paths")
    larger = _lines(min(chunks + chunks // 2, _MAX_CHUNKS))
    larger[: len(paths.line)] = paths.line
    paths.line = larger


def flat(paths: LivePaths, walks: int) -> tuple[Ints, Nodes]:
    """``start`` and ``node`` as in `Walks`."""
    start = np.zeros(walks + 1, np.int64)
    np.cumsum(paths.line[1 : 3 * walks : 3, 15], out=start[1:])
    node = np.empty(int(start[-1]), np.int32)
    _flatten(paths.line, start, node)
    return start, node


def _lines(chunks: int) -> Nodes:
    """Lines that are lines of the cache too."""
    room = np.empty(3 * chunks * 16 + 16, np.int32)
    skip = -room.ctypes.data % _LINE_BYTES // 4
    return room[skip : skip + 3 * chunks * 16].reshape(-1, 16)


@compiled
def _link_all(
    start: Ints, node: Nodes, line: Nodes, met: Nodes, pool: Ints
) -> None:  # pragma: no cover (compiled)
    path = np.empty(LIMIT + 1, np.int32)
    for walk in range(np.uint64(len(start) - 1)):
        first = np.uint64(start[walk])
        length = np.uint64(start[walk + np.uint64(1)]) - first
        for i in range(length):
            path[i] = node[first + i]
        line[walk * _THREE, META] = NOTHING
        line[walk * _THREE + PREVIOUS, META] = walk * np.uint64(8)
        write_path(line, met, pool, walk, path, np.uint64(0), length)


@compiled
def _flatten(line: Nodes, start: Ints, node: Nodes) -> None:  # pragma: no cover (compiled)
    for walk in range(np.uint64(len(start) - 1)):
        first = np.uint64(start[walk])
        length = np.uint64(start[walk + np.uint64(1)]) - first
        read_path(line, walk, length, node[first : first + length])


@compiled
def read_path(
    line: Nodes, walk: Word, length: Word, path: Nodes
) -> None:  # pragma: no cover (compiled)
    """Copy the path of a walk to ``path``."""
    at, place = walk, np.uint64(0)
    for i in range(length):
        if place == PER_CHUNK:
            at, place = np.uint64(line[at * _THREE, META]), np.uint64(0)
        path[i] = line[at * _THREE, place]
        place += np.uint64(1)


@compiled
def write_path(
    line: Nodes,
    met: Nodes,
    pool: Ints,
    walk: Word,
    path: Nodes,
    begin: Word,
    length: Word,
) -> None:  # pragma: no cover (compiled)
    """Put down ``path[begin:length]``, link first visits, give up chunks that are left over.

    There must be `ROOM` chunks that were never used.
    """
    at, place = walk, np.uint64(0)
    for i in range(length):
        if place == PER_CHUNK:
            follows = line[at * _THREE, META]
            if follows == NOTHING:
                follows = _take(line, pool)
                line[at * _THREE, META] = follows
                tag = walk * np.uint64(8) + i // PER_CHUNK
                line[np.uint64(follows) * _THREE + PREVIOUS, META] = tag
            at, place = np.uint64(follows), np.uint64(0)
        if i >= begin:
            line[at * _THREE, place] = path[i]
            fresh = True
            for j in range(i):
                fresh &= path[j] != path[i]
            if fresh:
                _link(line, met, at, place, np.uint64(path[i]))
            else:
                line[at * _THREE + NEXT, place] = NOT_LINKED
        place += np.uint64(1)
    line[walk * _THREE + NEXT, META] = length
    follows = line[at * _THREE, META]
    line[at * _THREE, META] = NOTHING
    while follows != NOTHING:
        at = np.uint64(follows)
        follows = line[at * _THREE, META]
        line[at * _THREE, META] = pool[_FREE]
        pool[_FREE] = at


@compiled
def cut_path(
    line: Nodes, met: Nodes, walk: Word, begin: Word, length: Word
) -> None:  # pragma: no cover (compiled)
    """Take the visits ``begin`` .. ``length`` of a walk out of their accounts' lists."""
    at, place = walk, np.uint64(0)
    for i in range(length):
        if place == PER_CHUNK:
            at, place = np.uint64(line[at * _THREE, META]), np.uint64(0)
        if i >= begin:
            _unlink(line, met, at, place)
        place += np.uint64(1)


@compiled
def _take(line: Nodes, pool: Ints) -> Word:  # pragma: no cover (compiled)
    found = pool[_FREE]
    if found == NOTHING:
        found = pool[TOP]
        pool[TOP] += 1
    else:
        pool[_FREE] = line[np.uint64(found) * _THREE, META]
    line[np.uint64(found) * _THREE, META] = NOTHING
    return found


@compiled
def _link(
    line: Nodes, met: Nodes, at: Word, place: Word, account: Word
) -> None:  # pragma: no cover (compiled)
    head = met[account, 0]
    line[at * _THREE + NEXT, place] = head
    line[at * _THREE + PREVIOUS, place] = NOTHING
    visit = np.int32(at * np.uint64(16) + place)
    if head != NOTHING:
        line[(np.uint64(head) >> _FOUR) * _THREE + PREVIOUS, np.uint64(head) & _LOW] = visit
    met[account, 0] = visit
    met[account, 1] += 1


@compiled
def _unlink(line: Nodes, met: Nodes, at: Word, place: Word) -> None:  # pragma: no cover (compiled)
    following, previous = line[at * _THREE + NEXT, place], line[at * _THREE + PREVIOUS, place]
    if following == NOT_LINKED:
        return
    account = np.uint64(line[at * _THREE, place])
    if previous == NOTHING:
        met[account, 0] = following
    else:
        before = np.uint64(previous)
        line[(before >> _FOUR) * _THREE + NEXT, before & _LOW] = following
    if following != NOTHING:
        after = np.uint64(following)
        line[(after >> _FOUR) * _THREE + PREVIOUS, after & _LOW] = previous
    met[account, 1] -= 1
