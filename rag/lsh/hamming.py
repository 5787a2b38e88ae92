"""Hamming distances between codes: of pairs, of blocks, and counted over streams of any length."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError
from rag.lsh.counters import Counter, distances_to, with_numba

BLOCK = 1 << 16  # codes that one thread compares at a time: 2 MiB
MAX_BYTES = 512


def distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return how many bits differ between row i of ``a`` and of ``b``, uint8 (n, bytes) each:
    uint16 of shape (n,). Raises SketchError when the shapes differ or are no codes.
    """
    _check(a, b)
    if len(a) != len(b):
        raise SketchError(
            f"{len(a)} codes cannot be paired with {len(b)}.", "Give one for each of the other."
        )
    return distances_to(a, b)


def block_distances(queries: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the distance of every query to every code: uint16 (q, n), 2·q·n bytes.

    Raises SketchError when they are no codes of one size.
    """
    _check(queries, codes)
    found = np.empty((len(queries), len(codes)), dtype=np.uint16)
    for row, query in zip(found, queries, strict=True):
        for start in range(0, len(codes), BLOCK):
            part = codes[start : start + BLOCK]
            row[start : start + BLOCK] = distances_to(query, part)
    return found


def count_within(
    queries: NDArray[np.uint8],
    codes: NDArray[np.uint8] | Iterable[NDArray[np.uint8]],
    threshold: int,
    *,
    way: Callable[[NDArray[np.uint8], int], Counter] = with_numba,
    threads: int = 1,
) -> NDArray[np.int64]:
    """Return for each query (q, bytes) how many codes differ in at most ``threshold`` bits: (q,).

    ``codes`` is one array, a memory map, or arrays one after another; no more than two blocks of
    65,536 codes per thread are looked at together, so that memory stays bounded however many there
    are. Raises SketchError for what is no code, or a threshold below 0.
    """
    if threshold < 0 or threads < 1:
        raise SketchError(
            f"Nothing is within {threshold} bits, compared by {threads} threads.",
            "Choose a threshold of 0 or more, and at least one thread.",
        )
    _check(queries, queries)
    count = way(queries, threshold)
    total = np.zeros(len(queries), dtype=np.int64)
    running: deque[Future[NDArray[np.int64]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block in _blocks(queries, [codes] if isinstance(codes, np.ndarray) else codes):
            if len(running) >= 2 * threads:
                total += running.popleft().result()
            running.append(pool.submit(count, block))
        for future in running:
            total += future.result()
    return total


def _blocks(
    queries: NDArray[np.uint8], arrays: Iterable[NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    for codes in arrays:
        _check(queries, codes)
        for start in range(0, len(codes), BLOCK):
            yield codes[start : start + BLOCK]


def _check(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> None:
    for codes in (a, b):
        if codes.ndim != 2 or codes.dtype != np.uint8 or codes.shape[1] != a.shape[1]:
            raise SketchError(
                f"{codes.dtype} of shape {codes.shape} are no codes like the others.",
                "Give uint8 with one code a row, of the same number of bytes on both sides.",
            )
    if not 1 <= a.shape[1] <= MAX_BYTES:
        raise SketchError(
            f"A code of {a.shape[1]} bytes cannot be compared.", f"Use 1 to {MAX_BYTES} bytes."
        )
