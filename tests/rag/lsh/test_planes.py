"""Anyone expands the same planes from the same seed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from rag.errors import SketchError
from rag.lsh.planes import make_planes

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sketch.json").read_text())


def expanded(seed, dimensions, k):
    """Row k as docs/protocol.md says, a bit at a time: (numerator of the dither, signs)."""
    name = b"chainrep planes v1" + dimensions.to_bytes(4, "big") + k.to_bytes(4, "big") + seed
    row = hashlib.shake_256(name).digest(8 + (dimensions + 7) // 8)
    signs = [1 if row[8 + i // 8] >> (7 - i % 8) & 1 else -1 for i in range(dimensions)]
    return int.from_bytes(row[:8], "big") // 2**11, signs


@pytest.mark.parametrize("given", VECTORS["planes"], ids=lambda given: given["dimensions"])
def test_planes_are_those_of_the_golden_vectors_and_of_a_second_implementation(given):
    seed = bytes.fromhex(given["seed"][2:])
    planes = make_planes(given["dimensions"], given["bits"], seed)
    rows = [expanded(seed, given["dimensions"], k) for k in range(given["bits"])]
    assert planes.signs.tolist() == [signs for _, signs in rows]
    assert (planes.dithers * 2**53).tolist() == [dither for dither, _ in rows]
    assert given["dithers"] == [dither for dither, _ in rows]
    packed = [f"0x{np.packbits(np.array(signs) > 0).tobytes().hex()}" for _, signs in rows]
    assert given["signs"] == packed


def test_fewer_bits_are_the_first_rows_of_more():
    few, many = make_planes(48, 128), make_planes(48, 256)
    assert (many.signs[:128] == few.signs).all()
    assert (many.dithers[:128] == few.dithers).all()


def test_signs_and_dithers_are_as_uniform_as_chance_allows():
    planes = make_planes(2000, 256)
    assert abs(planes.signs.mean()) < 4 / np.sqrt(planes.signs.size)
    together = planes.signs.astype(np.float32) @ planes.signs.T.astype(np.float32) / 2000
    assert np.abs(together - np.eye(256)).max() < 6 / np.sqrt(2000)
    ordered = np.sort(planes.dithers)
    assert np.abs(ordered - (np.arange(256) + 0.5) / 256).max() < 1.95 / np.sqrt(256)


def test_another_seed_or_size_gives_other_planes():
    first = make_planes(64, 64)
    for other in (make_planes(64, 64, b"another"), make_planes(65, 64)):
        assert 0.4 < (other.signs[:, :64] == first.signs).mean() < 0.6


def test_planes_cannot_be_changed():
    planes = make_planes(8, 8)
    with pytest.raises(ValueError, match="read-only"):
        planes.signs[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        planes.dithers[0] = 0


@pytest.mark.parametrize(
    ("dimensions", "bits"), [(8, 0), (8, 12), (8, 4104), (0, 8), (1 << 21, 8), (1 << 20, 512)]
)
def test_sizes_out_of_range_are_refused_before_memory_is_taken(dimensions, bits):
    with pytest.raises(SketchError, match=r"cannot have|out of range"):
        make_planes(dimensions, bits)
