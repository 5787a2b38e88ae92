"""Kernels that compare codes, compiled for the CPU at hand by numba; none holds Python's lock.

Many queries: codes are laid out byte by byte, 32 codes' first bytes, then their second bytes, so
that one vector instruction works on 32 pairs and the threshold is one comparison of 32 sums. Where
the CPU counts bits in vectors (AVX-512 BITALG, NEON) a byte of a pair costs xor, count and add.
With AVX2 alone a count is two table look-ups anyway: so the table is made for the query, the
distance to each of the 16 half bytes, which saves the xor, and the codes' half bytes are taken
apart once for four queries.

All that writes a kernel's code is in this file, because numba's cache notices a change only here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

CODE_BYTES = 32
LANES = 32
QUERIES = 4  # compared at once with two blocks of codes: their eight sums stay in registers
BLOCKS = 2
BATCH = LANES * BLOCKS
CHUNK = 2048  # codes laid out at a time: 64 KiB, within the second cache

F = TypeVar("F", bound=Callable[..., Any])
_I32, _I64 = ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(ir.IntType(8), LANES)
_HALVES = np.arange(16, dtype=np.uint8)


def looks_up(features: Any = None) -> bool:
    """Whether a CPU with these features (this one's) counts by tables: AVX2, no vector counts."""
    found = binding.get_host_cpu_features() if features is None else features
    return bool(found.get("avx2")) and not found.get("avx512bitalg")


def query_tables(queries: NDArray[np.uint8], tables: bool) -> NDArray[np.uint8]:
    """Return what ``scan`` needs of queries (q, 32), for q' = q rounded up to a multiple of four.

    With ``tables``, uint8 (q', 32, 2, 32): one table per half byte, twice in a row; else uint8
    (q', 32, 32): each byte 32 times.
    """
    padded = np.zeros((-(-len(queries) // QUERIES) * QUERIES, CODE_BYTES), dtype=np.uint8)
    padded[: len(queries)] = queries
    if not tables:
        return np.ascontiguousarray(np.repeat(padded[:, :, None], LANES, axis=2))
    halves = np.stack([padded & 15, padded >> 4], axis=2)[..., None]
    return np.ascontiguousarray(np.tile(np.bitwise_count(halves ^ _HALVES), 2))


def compiled(function: F) -> F:
    """Compile at the first call, and keep the machine code for the next process."""
    try:
        return cast(F, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(F, njit(nogil=True)(function))


def _type_layout(_typing: Any, codes: Any, planes: Any) -> Any:
    return types.void(codes, planes), _write_layout


def _type_count(
    _typing: Any, queries: Any, codes: Any, wanted: Any, threshold: Any, counts: Any
) -> Any:
    return types.void(queries, codes, wanted, threshold, counts), _write_count


def _type_ones(_typing: Any, word: Any) -> Any:
    return word(word), lambda _context, builder, _signature, arguments: builder.ctpop(arguments[0])


_lay_out: Any = intrinsic(_type_layout)
_count: Any = intrinsic(_type_count)
_ones: Any = intrinsic(_type_ones)


@compiled
def scan(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    threshold: np.uint8,
    counts: NDArray[np.int64],
    planes: NDArray[np.uint8],
) -> None:
    """Add to ``counts`` (q',) how many codes are within the threshold of each query.

    ``codes`` is (n, 32) with n a multiple of 64, ``queries`` is of ``query_tables``, ``threshold``
    is below 255, ``planes`` is scratch of shape (CHUNK, 32).
    """
    group = QUERIES * queries[0].size
    code, query, out = planes.ctypes.data, queries.ctypes.data, counts.ctypes.data
    for start in range(0, len(codes), CHUNK):
        part = codes[start : start + CHUNK]
        for i in range(0, len(part), LANES):
            place = i * CODE_BYTES
            _lay_out(part.ctypes.data + place, code + place)
        for j in range(len(queries) // QUERIES):
            wanted, found = query + j * group, out + j * QUERIES * 8
            for i in range(0, len(part), BATCH):
                _count(queries, code + i * CODE_BYTES, wanted, threshold, found)


@compiled
def scan_words(
    codes: NDArray[np.uint64],
    queries: NDArray[np.uint64],
    threshold: int,
    counts: NDArray[np.int64],
) -> None:
    """Do what ``scan`` does for few queries or any n: codes and queries are (n, 4) and (q, 4)."""
    for q in range(len(queries)):
        a, b, c, d = queries[q, 0], queries[q, 1], queries[q, 2], queries[q, 3]
        within = 0
        for i in range(len(codes)):
            low = _ones(codes[i, 0] ^ a) + _ones(codes[i, 1] ^ b)
            high = _ones(codes[i, 2] ^ c) + _ones(codes[i, 3] ^ d)
            within += low + high <= threshold
        counts[q] += within


def _write_layout(context: Any, b: Any, _signature: Any, arguments: Any) -> Any:
    """Write: turn 32 codes into one vector of 32 per byte of a code.

    Interleaving the upper half of a table with its lower half rotates the bits of every entry's
    address by one; after five times the code's number, five bits, has gone from the top to the end.
    """
    source, target = (b.inttoptr(address, _VECTOR.as_pointer()) for address in arguments)
    merged = [[half + i // 2 + LANES * (i % 2) for i in range(LANES)] for half in (0, LANES // 2)]
    masks = [ir.Constant(ir.VectorType(_I32, LANES), mask) for mask in merged]
    rows = [_load(b, source, k) for k in range(CODE_BYTES)]
    for _ in range(5):
        pairs = zip(rows[: CODE_BYTES // 2], rows[CODE_BYTES // 2 :], strict=True)
        rows = [b.shuffle_vector(*pair, mask) for pair in pairs for mask in masks]
    for k, row in enumerate(rows):
        b.store(row, b.gep(target, [ir.Constant(_I64, k)])).align = 1
    return context.get_dummy_value()


def _load(b: Any, pointer: Any, index: int) -> Any:
    value = b.load(b.gep(pointer, [ir.Constant(_I64, index)]))
    value.align = 1
    return value


def _write_count(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
    """Write: compare four queries with two blocks of 32 codes, add to the queries' counts."""
    _, codes, wanted, threshold, counts = arguments
    sums = _sums(b, codes, wanted, signature.args[0].ndim == 4)
    single = b.insert_element(ir.Constant(_VECTOR, ir.Undefined), threshold, ir.Constant(_I32, 0))
    lanes = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    limits = b.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), lanes)
    for query in range(QUERIES):
        place = b.gep(b.inttoptr(counts, _I64.as_pointer()), [ir.Constant(_I64, query)])
        total = b.load(place)
        for block in range(BLOCKS):
            within = b.icmp_unsigned("<=", sums[query, block], limits)
            total = b.add(total, b.zext(b.ctpop(b.bitcast(within, _I32)), _I64))
        b.store(total, place)
    return context.get_dummy_value()


def _sums(b: Any, codes: Any, queries: Any, tables: bool) -> dict[Any, Any]:
    """Write: the distances of each query to each block, 32 bytes; a distance of 256 becomes 255."""
    code = b.inttoptr(codes, _VECTOR.as_pointer())
    table = b.inttoptr(queries, _VECTOR.as_pointer())

    def intrinsic_call(name: str, *values: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(values))
        return b.call(b.module.declare_intrinsic(name, [], kind), values)

    def flips(wanted: Any, part: Any) -> Any:
        if tables:
            return intrinsic_call("llvm.x86.avx2.pshuf.b", wanted, part)
        return intrinsic_call(f"llvm.ctpop.v{LANES}i8", b.xor(wanted, part))

    def saturated(*values: Any) -> Any:
        return intrinsic_call(f"llvm.uadd.sat.v{LANES}i8", *values)

    def parts(row: Any) -> list[Any]:
        if not tables:
            return [row]
        low, four = (ir.Constant(_VECTOR, [value] * LANES) for value in (15, 4))
        return [b.and_(row, low), b.lshr(row, four)]

    zero = ir.Constant(_VECTOR, [0] * LANES)
    sums = {(query, block): zero for query in range(QUERIES) for block in range(BLOCKS)}
    for k in range(CODE_BYTES):
        rows = [parts(_load(b, code, block * CODE_BYTES + k)) for block in range(BLOCKS)]
        for query in range(QUERIES):
            for half in range(len(rows[0])):
                wanted = _load(b, table, (query * CODE_BYTES + k) * len(rows[0]) + half)
                for block in range(BLOCKS):
                    both = [sums[query, block], flips(wanted, rows[block][half])]
                    # Only the last byte can bring a sum above 255.
                    last = k == CODE_BYTES - 1
                    sums[query, block] = saturated(*both) if last else b.add(*both)
    return sums
