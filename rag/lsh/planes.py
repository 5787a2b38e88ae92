"""The public planes that vectors are projected on, expanded from a seed with SHAKE-256."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import shake_256

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError

SEED = b"chainrep sketch 1"
BITS = 256
MAX_BITS = 4096
MAX_DIMENSIONS = 1 << 20
MAX_ENTRIES = 1 << 28  # 256 MiB of planes, 1 GiB once they are float32
_TAG = b"chainrep planes v1"


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """One row of ±1 and one dither per bit of a code.

    ``signs`` is int8 of shape (bits, dimensions); ``dithers`` is float64 of shape (bits,), each a
    fraction in [0, 1) of the period 2w. Both arrays are read-only.
    """

    signs: NDArray[np.int8]
    dithers: NDArray[np.float64]

    @property
    def bits(self) -> int:
        """How many bits a code has."""
        return len(self.dithers)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self.signs.shape[1])


def make_planes(dimensions: int, bits: int = BITS, seed: bytes = SEED) -> Planes:
    """Expand ``seed`` into planes; row k is the same whatever ``bits`` is, so that a 128-bit code
    is the first half of the 256-bit one.

    Row k comes from SHAKE-256 over: ASCII "chainrep planes v1" ‖ uint32 BE dimensions ‖ uint32 BE k
    ‖ seed. Its first 8 bytes are a uint64 BE v, the dither fraction is (v >> 11) / 2^53; then
    ceil(dimensions / 8) bytes hold the signs, the highest bit first, 1 for +1 and 0 for -1.

    Raises SketchError when ``bits`` is not a multiple of 8 in 8…4096, or the planes would be larger
    than 2^20 dimensions or 2^28 entries.
    """
    if not 8 <= bits <= MAX_BITS or bits % 8:
        raise SketchError(
            f"A code cannot have {bits} bits.", f"Choose a multiple of 8 from 8 to {MAX_BITS}."
        )
    if not 1 <= dimensions <= MAX_DIMENSIONS or bits * dimensions > MAX_ENTRIES:
        raise SketchError(
            f"Planes of {bits} bits over {dimensions} dimensions are out of range.",
            f"Take 1 to {MAX_DIMENSIONS} dimensions and at most {MAX_ENTRIES} entries in all.",
        )
    signs = np.empty((bits, dimensions), dtype=np.int8)
    dithers = np.empty(bits, dtype=np.float64)
    size = -(-dimensions // 8)
    for k in range(bits):
        name = _TAG + dimensions.to_bytes(4, "big") + k.to_bytes(4, "big") + seed
        row = shake_256(name).digest(8 + size)
        dithers[k] = (int.from_bytes(row[:8], "big") >> 11) / 2**53
        ones = np.unpackbits(np.frombuffer(row, dtype=np.uint8, offset=8), count=dimensions)
        np.subtract(2 * ones.view(np.int8), 1, out=signs[k])
    signs.setflags(write=False)
    dithers.setflags(write=False)
    return Planes(signs, dithers)
