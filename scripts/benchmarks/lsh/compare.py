"""How many 256-bit codes are compared a second: ours beside faiss, numpy and torch."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rag.lsh.counters import Counter, with_faiss, with_numba, with_numpy, with_torch
from rag.lsh.hamming import BLOCK, count_within
from rag.lsh.popcount import looks_up

THRESHOLD = 60
QUERIES = 512
CODES = 2 * BLOCK
FEW = 16  # queries for numpy, whose rate does not depend on how many there are
Way = Callable[[np.ndarray, int], Counter]


def measure_compare(
    seed: int = 6, rounds: int = 5, threads: tuple[int, ...] = (1, 2)
) -> dict[str, Any]:
    """Compare random codes in every way, turn by turn, in each number of threads.

    ``compare_256_per_s`` holds the median pairs per second by way and threads; of faiss both of
    its searches, everything within a radius and the nearest one. ``ratio_to_faiss`` is the median
    over rounds of ours against the faster of the two in the same round, ``ratio_in_cpu_seconds``
    the same in seconds of CPU time, which other work on the machine disturbs less.
    ``seconds_for_1e9`` is a stream of 10^6 codes against 1,000 queries, the best and the median
    round.
    """
    draw = np.random.default_rng(seed)
    billion: dict[str, dict[str, float]] = {}
    many = draw.integers(0, 256, (10**6, 32), dtype=np.uint8)
    queries = draw.permutation(many)[:1000]
    _billion(many[:BLOCK], many[:8], 1)  # compiles
    before = _peak_mib()  # ahead of what the others take
    for count in threads:
        taken = [_billion(many, queries, count) for _ in range(rounds)]
        billion[str(count)] = {"best": min(taken), "median": statistics.median(taken)}
    extra = _peak_mib() - before
    queries, codes = (draw.integers(0, 256, (n, 32), dtype=np.uint8) for n in (QUERIES, CODES))
    rates: dict[str, dict[str, float]] = {}
    ratios: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for count in threads:
        found = _rounds(queries, codes, count, rounds)
        for name, values in found.items():
            rates.setdefault(name, {})[str(count)] = statistics.median(wall for wall, _ in values)
        turns = list(zip(found["ours"], found["faiss_radius"], found["faiss_nearest"], strict=True))
        for clock, ratio in enumerate(ratios):
            ratio[str(count)] = statistics.median(
                ours[clock] / max(radius[clock], nearest[clock]) for ours, radius, nearest in turns
            )
    return {
        "compare_256_per_s": rates,
        "ratio_to_faiss": ratios[0],
        "ratio_in_cpu_seconds": ratios[1],
        "seconds_for_1e9": billion,
        "extra_memory_for_1e9_mib": extra,
        "kernel": "look-ups" if looks_up() else "vector counts",
    }


def _rounds(
    queries: np.ndarray, codes: np.ndarray, threads: int, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Return (pairs per second, pairs per second of CPU time) of every round, by way."""
    ways: dict[str, tuple[Way, int, bool]] = {
        "ours": (with_numba, QUERIES, True),
        "faiss_radius": (with_faiss, QUERIES, False),
        "faiss_nearest": (_faiss_nearest, QUERIES, False),
        "numpy": (with_numpy, FEW, True),
        "torch": (with_torch(), QUERIES, False),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    with _own_threads(threads):
        for turn in range(rounds + 1):
            for name, (way, wanted, pooled) in ways.items():
                start = time.perf_counter(), time.process_time()
                if pooled:
                    count_within(queries[:wanted], codes, THRESHOLD, way=way, threads=threads)
                else:  # these bring threads of their own
                    way(queries[:wanted], THRESHOLD)(codes)
                taken = time.perf_counter() - start[0], time.process_time() - start[1]
                if turn:  # the first turn compiles
                    pairs = wanted * len(codes)
                    found[name].append((pairs / taken[0], pairs / taken[1]))
    return found


def _billion(codes: np.ndarray, queries: np.ndarray, threads: int) -> float:
    parts = (codes[i : i + BLOCK] for i in range(0, len(codes), BLOCK))
    start = time.perf_counter()
    counts = count_within(queries, parts, THRESHOLD, threads=threads)
    taken = time.perf_counter() - start
    if counts.min() < 1:  # each query is one of the codes
        raise AssertionError("A code was not found among those that hold it.")
    return taken


def _faiss_nearest(queries: np.ndarray, threshold: int) -> Counter:
    import faiss

    def count(codes: np.ndarray) -> np.ndarray:
        index = faiss.IndexBinaryFlat(8 * codes.shape[1])
        index.add(codes)
        nearest, _ = index.search(queries, 1)
        return np.asarray((nearest[:, 0] <= threshold).astype(np.int64))

    return count


@contextmanager
def _own_threads(count: int) -> Iterator[None]:
    import faiss
    import torch

    before: tuple[Any, Any] = faiss.omp_get_max_threads(), torch.get_num_threads()
    faiss.omp_set_num_threads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before[0])
        torch.set_num_threads(before[1])


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
