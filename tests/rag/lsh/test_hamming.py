"""Every way to compare codes gives the same counts, however many codes there are."""

import os
import platform
import re
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import binding

from rag.errors import SketchError
from rag.lsh import popcount
from rag.lsh.counters import with_faiss, with_numba, with_numpy, with_torch
from rag.lsh.hamming import BLOCK, block_distances, count_within, distances
from rag.lsh.popcount import BATCH, CHUNK, query_tables, scan, scan_words

WAYS = {"numba": with_numba, "numpy": with_numpy, "torch": with_torch(), "faiss": with_faiss}
KERNELS = [False, True] if binding.get_host_cpu_features().get("avx2") else [False]


def codes(count, size=32, seed=1):
    """Random codes, and among them some far and near copies of the first ones."""
    found = np.random.default_rng(seed).integers(0, 256, (count, size), dtype=np.uint8)
    if count > 40:
        found[20], found[21] = found[0], ~found[1]
        found[22] = found[2] ^ 1
    return found


def by_the_bit(queries, others):
    a, b = (np.unpackbits(x, axis=1).astype(np.int64) for x in (queries, others))
    return (a[:, None] != b[None]).sum(axis=2)


@pytest.mark.parametrize("size", [1, 3, 8, 16, 32, 128])
def test_distances_are_the_bits_that_differ(size):
    a, b = codes(50, size), codes(50, size, seed=2)
    b[0], b[1] = a[0], ~a[1]
    wanted = by_the_bit(a, b)
    assert block_distances(a, b).tolist() == wanted.tolist()
    assert distances(a, b).tolist() == np.diag(wanted).tolist()
    assert distances(a, b)[1] == 8 * size


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("size", [16, 32])
def test_every_way_counts_what_the_distances_say(way, size):
    queries, others = codes(7, size), codes(1500, size)
    far = by_the_bit(queries, others)
    for threshold in (0, 1, 50, 8 * size // 2, 254, 255, 8 * size - 1, 8 * size, 8 * size + 5):
        found = count_within(queries, others, threshold, way=way)
        assert found.tolist() == (far <= threshold).sum(axis=1).tolist(), threshold


@pytest.mark.parametrize("queries", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 2048, 2049, 4130])
def test_no_code_is_lost_at_the_edges_of_batches(queries, count):
    wanted, others = codes(queries), codes(count)
    far = block_distances(wanted, others)
    assert count_within(wanted, others, 120).tolist() == (far <= 120).sum(axis=1).tolist()


@pytest.mark.parametrize("tables", KERNELS)
def test_both_kernels_count_alike_on_the_same_codes(tables):
    queries, others = codes(8), codes(BATCH * 40)
    found = np.zeros(8, dtype=np.int64)
    planes = np.empty((CHUNK, 32), dtype=np.uint8)
    scan(others, query_tables(queries, tables), np.uint8(125), found, planes)
    plain = np.zeros(8, dtype=np.int64)
    scan_words(others.view(np.uint64), queries.view(np.uint64), 125, plain)
    assert found.tolist() == plain.tolist()
    assert found.tolist() == (block_distances(queries, others) <= 125).sum(axis=1).tolist()


def test_a_distance_of_256_does_not_pass_for_one_of_zero():
    one = codes(1)
    opposite = np.repeat(~one, BATCH, axis=0)
    wanted = np.repeat(one, 3, axis=0)
    assert count_within(wanted, opposite, 0).tolist() == [0, 0, 0]
    assert count_within(wanted, opposite, 255).tolist() == [0, 0, 0]
    assert count_within(wanted, opposite, 256).tolist() == [BATCH] * 3


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_blocks_do_not_change_the_counts(threads):
    queries, others = codes(5), codes(3 * BLOCK + 77)
    whole = count_within(queries, others, 110)
    assert whole.sum() > 5
    parts = iter([others[:100], others[100:BLOCK], others[BLOCK:]])
    assert count_within(queries, parts, 110, threads=threads).tolist() == whole.tolist()


def test_a_stream_is_read_no_further_ahead_than_two_blocks_per_thread():
    taken, counted = [], []

    def stream():
        for i in range(50):
            taken.append(len(counted))
            yield codes(10, seed=i)

    def way(queries, threshold):
        count = with_numpy(queries, threshold)

        def noted(block):
            counted.append(1)
            return count(block)

        return noted

    count_within(codes(2), stream(), 128, way=way)
    assert all(i - done <= 3 for i, done in enumerate(taken))


def test_what_is_thrown_while_counting_is_not_lost():
    with pytest.raises(SketchError, match="no codes like the others"):
        count_within(codes(2), iter([codes(5), codes(5, 16)]), 10)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 16), np.uint8), np.zeros((2, 32), np.int8), np.zeros(32, np.uint8)]
)
def test_what_is_no_code_of_that_size_is_refused(bad):
    for compare in (distances, block_distances, lambda a, b: count_within(a, b, 3)):
        with pytest.raises(SketchError, match="no codes like the others"):
            compare(codes(2), bad)


def test_pairs_thresholds_and_threads_must_make_sense():
    with pytest.raises(SketchError, match="cannot be paired"):
        distances(codes(2), codes(3))
    with pytest.raises(SketchError, match="Nothing is within -1 bits"):
        count_within(codes(2), codes(3), -1)
    with pytest.raises(SketchError, match="by 0 threads"):
        count_within(codes(2), codes(3), 1, threads=0)
    with pytest.raises(SketchError, match="longer than a word"):
        count_within(codes(2, 128), codes(3, 128), 1)


# Compiled anew: numba keeps no assembly of what it took from its cache.
ASSEMBLY = """
import sys
from numba import njit, types
from rag.lsh.popcount import scan
byte, count = types.uint8, types.Array(types.int64, 1, "C")
codes = types.Array(byte, 2, "C")
compiled = njit(nogil=True)(scan.py_func)
for dimensions in sys.argv[1:]:
    compiled.compile((codes, types.Array(byte, int(dimensions), "C"), byte, count, codes))
print("\\n".join(compiled.inspect_asm().values()))
"""
BITALG = "+avx2,+avx512f,+avx512bw,+avx512vl,+avx512bitalg,+popcnt"
X86 = platform.machine() in {"x86_64", "AMD64"}


def test_the_kernels_compare_32_pairs_with_one_instruction():
    chosen = {"NUMBA_CPU_NAME": "icelake-server", "NUMBA_CPU_FEATURES": BITALG} if X86 else {}
    done = subprocess.run(
        [sys.executable, "-c", ASSEMBLY, *(["3", "4"] if X86 else ["3"])],
        env=os.environ | chosen, capture_output=True, text=True, check=True,
    )  # fmt: skip
    sums = popcount.CODE_BYTES * popcount.QUERIES * popcount.BLOCKS
    expected = {"vpopcntb": sums, "vpshufb": 2 * sums} if X86 else {"cnt": sums}
    for instruction, wanted in expected.items():
        assert len(re.findall(rf"\s{instruction}\s", done.stdout)) >= wanted
