"""Four ways to count the codes near a query: numba, numpy, torch and faiss, one interface.

Each takes queries, uint8 of shape (q, bytes), and a threshold, and returns a function that maps a
block of codes, uint8 of shape (n, bytes), to int64 counts of shape (q,).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError
from rag.lsh.popcount import BATCH, CHUNK, CODE_BYTES, looks_up, query_tables, scan, scan_words

Counter = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
PRODUCTS = 1 << 24  # numbers in a matrix of torch's at a time: 64 MiB
FEW = 2  # queries for which laying codes out costs more than it saves


def with_numba(queries: NDArray[np.uint8], threshold: int) -> Counter:
    """Compiled for this CPU; the fastest without a GPU. Raises SketchError above 256 bits."""
    if queries.shape[1] > CODE_BYTES:
        raise SketchError(
            f"Codes of {8 * queries.shape[1]} bits are longer than a word.",
            "Compare them with numpy or torch, or cut them to 256 bits.",
        )
    if threshold >= 8 * queries.shape[1]:
        return lambda codes: np.full(len(queries), len(codes), dtype=np.int64)
    if threshold == 255:  # sums are bytes: what is 256 away is 0 away from the opposite
        opposite = with_numba(~queries, 0)
        return lambda codes: len(codes) - opposite(codes)
    padded = _words(queries)
    tables = query_tables(padded, looks_up())

    def count(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        rows, counts = _words(codes), np.zeros(len(tables), dtype=np.int64)
        whole = 0 if len(queries) <= FEW else len(rows) - len(rows) % BATCH
        if whole:
            planes = np.empty((CHUNK, CODE_BYTES), dtype=np.uint8)
            scan(rows[:whole], tables, np.uint8(threshold), counts, planes)
        scan_words(rows[whole:].view(np.uint64), padded.view(np.uint64), threshold, counts)
        return counts[: len(queries)]

    return count


def with_numpy(queries: NDArray[np.uint8], threshold: int) -> Counter:
    """Without compilation: one query at a time, any number of bytes."""

    def count(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        found = [int((distances_to(query, codes) <= threshold).sum()) for query in queries]
        return np.array(found, dtype=np.int64)

    return count


def with_torch(device: str = "cpu") -> Callable[[NDArray[np.uint8], int], Counter]:
    """Return the way over torch on ``device``: bits as ±1, one matrix product, exact up to 2,048
    bits (float16 on a GPU, float32 elsewhere).
    """
    import torch

    dtype = torch.float16 if torch.device(device).type == "cuda" else torch.float32
    shifts = torch.arange(7, -1, -1, device=device, dtype=torch.uint8)

    def signs(codes: NDArray[np.uint8]) -> torch.Tensor:
        rows = torch.from_numpy(np.ascontiguousarray(codes)).to(device)
        bits = (rows[:, :, None] >> shifts) & 1
        return bits.reshape(len(rows), -1).to(dtype) * 2 - 1

    def prepare(queries: NDArray[np.uint8], threshold: int) -> Counter:
        wanted = signs(queries)
        least = wanted.shape[1] - 2 * threshold

        def count(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
            counts = torch.zeros(len(wanted), dtype=torch.int64, device=device)
            step = max(1, PRODUCTS // max(wanted.shape))
            for start in range(0, len(codes), step):
                products = wanted @ signs(codes[start : start + step]).T
                counts += (products >= least).sum(dim=1)
            return np.asarray(counts.cpu().numpy(), dtype=np.int64)

        return count

    return prepare


def with_faiss(queries: NDArray[np.uint8], threshold: int) -> Counter:
    """By faiss' exact binary index, in as many threads as faiss is set to use."""
    import faiss

    wanted = np.ascontiguousarray(queries)

    def count(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        index = faiss.IndexBinaryFlat(8 * wanted.shape[1])
        index.add(np.ascontiguousarray(codes))
        limits, _, _ = index.range_search(wanted, threshold + 1)  # it wants distance < radius
        bounds = np.asarray(limits, dtype=np.int64)
        return bounds[1:] - bounds[:-1]

    return count


def distances_to(query: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the Hamming distance of each code (n, bytes) to one query (bytes,) or to the query in
    the same row (n, bytes): uint16 of shape (n,).
    """
    flips: NDArray[Any] = query ^ codes
    if flips.shape[1] % 8 == 0:
        flips = flips.view(np.uint64)  # eight bytes at a time
    return np.asarray(np.bitwise_count(flips).sum(axis=1, dtype=np.uint16))


def _words(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return contiguous codes of 32 bytes, shorter ones filled up with zeros."""
    if codes.shape[1] == CODE_BYTES:
        return np.ascontiguousarray(codes)
    filled = np.zeros((len(codes), CODE_BYTES), dtype=np.uint8)
    filled[:, : codes.shape[1]] = codes
    return filled
