"""Dithered codes: 256 bits of a vector whose Hamming distance tells small L2 distances apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError
from rag.lsh.planes import BITS, SEED, Planes, make_planes

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1 << 24  # numbers of a batch that are cast to float32 at a time: 64 MiB


class Sketcher:
    """Turns vectors of ``dimensions`` numbers into codes of ``bits`` bits with cells of ``width``.

    Bit k is floor((p_k·x + u_k) / w) mod 2, with p_k a row of ±1 and u_k = 2w · dither
    (the universal quantizer of Boufounos & Rane, "Secure binary embeddings", 2011). ``width`` is in
    the units of x: for x of length 1, the L2 distance that the code resolves.

    Arrays are computed by numpy, tensors by torch on their own device, or both on ``device`` when
    it is given; always in float32, with the planes (4·bits·dimensions bytes) kept per device as
    long as this object lives. Raises SketchError for a width that is not positive and finite, and
    for sizes that ``make_planes`` refuses.
    """

    def __init__(
        self,
        dimensions: int,
        width: float,
        bits: int = BITS,
        seed: bytes = SEED,
        device: str | None = None,
    ) -> None:
        if not (math.isfinite(width) and width > 0):
            raise SketchError(
                f"A cell cannot be {width} wide.", "Choose a width above 0, such as 0.1."
            )
        self.width = float(width)
        self.planes: Planes = make_planes(dimensions, bits, seed)
        self._device = device
        self._rows: NDArray[np.float32] | None = None
        self._tensors: dict[str, Tensor] = {}

    @overload
    def project(self, vectors: NDArray[Any]) -> NDArray[np.float32]: ...
    @overload
    def project(self, vectors: Tensor) -> Tensor: ...
    def project(self, vectors: NDArray[Any] | Tensor) -> NDArray[np.float32] | Tensor:
        """Return p_k·x for vectors of shape (n, dimensions): float32 of shape (n, bits).

        An array gives an array, a tensor a tensor on the device that computed it. Raises
        SketchError for another shape, or when a value is not finite.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.planes.dimensions:
            raise SketchError(
                f"Vectors of shape {tuple(vectors.shape)} do not fit planes over"
                f" {self.planes.dimensions} dimensions.",
                "Give a matrix with one vector a row, or make a sketcher of that size.",
            )
        if not isinstance(vectors, np.ndarray):
            return self._project_tensor(vectors)
        if self._device is not None:
            import torch

            moved = torch.from_numpy(np.ascontiguousarray(vectors))
            return np.asarray(self._project_tensor(moved).cpu().numpy(), dtype=np.float32)
        found = np.empty((len(vectors), self.planes.bits), dtype=np.float32)
        rows = self._matrix()
        for part in _parts(len(vectors), self.planes.dimensions):
            np.matmul(vectors[part].astype(np.float32, copy=False), rows.T, out=found[part])
        _check(bool(np.isfinite(found).all()))
        return found

    def cells(self, vectors: NDArray[Any] | Tensor) -> NDArray[np.float64]:
        """Return (p_k·x + u_k) / w, float64 of shape (n, bits): which cell, and where inside it."""
        return self._cells(_array(self.project(vectors)))

    def codes(self, vectors: NDArray[Any] | Tensor) -> NDArray[np.uint8]:
        """Return the codes, uint8 of shape (n, bits / 8), bit 0 highest (numpy's packbits order).

        Two devices agree except where a value lies within float32 rounding of a cell's border.
        """
        return self.quantize(self.project(vectors))

    def quantize(self, projected: NDArray[np.float32] | Tensor) -> NDArray[np.uint8]:
        """Return the codes of what ``project`` returned, for a caller that needs both."""
        odd = np.floor(self._cells(_array(projected))) % 2
        return np.packbits(odd.astype(np.uint8), axis=1)

    def sign_word(self, vectors: NDArray[Any] | Tensor) -> bytes:
        """Return bits / 8 bytes: bit k is 1 when p_k · (sum of the vectors) is at least 0.

        The codes repeat with period 2w along each plane; this word does not, so that vectors moved
        by whole periods are noticed.
        """
        return sign_word_of(self.project(vectors))

    def _cells(self, projected: NDArray[np.float32]) -> NDArray[np.float64]:
        return projected.astype(np.float64) / self.width + 2 * self.planes.dithers

    def _matrix(self) -> NDArray[np.float32]:
        if self._rows is None:
            self._rows = self.planes.signs.astype(np.float32)
        return self._rows

    def _tensor(self, device: Any) -> Tensor:
        import torch

        name = str(device)
        if name not in self._tensors:
            if torch.device(device).type == "cpu":
                self._tensors[name] = torch.from_numpy(self._matrix())
            else:  # int8 over the bus, a quarter of the bytes
                signs = torch.from_numpy(self.planes.signs.copy())
                self._tensors[name] = signs.to(device).to(torch.float32)
        return self._tensors[name]

    def _project_tensor(self, vectors: Tensor) -> Tensor:
        import torch

        device = torch.device(self._device) if self._device else vectors.device
        rows = self._tensor(device)
        with torch.no_grad(), torch.autocast(device.type, enabled=False), _full_float32():
            found = torch.empty((len(vectors), len(rows)), dtype=torch.float32, device=device)
            for part in _parts(len(vectors), rows.shape[1]):
                torch.mm(vectors[part].to(device, torch.float32), rows.T, out=found[part])
            _check(bool(torch.isfinite(found).all()))
        return found


def sign_word_of(projected: NDArray[np.float32] | Tensor) -> bytes:
    """Return the sign word of projections of shape (n, bits), such as those of all windows."""
    return np.packbits(_array(projected).sum(axis=0, dtype=np.float64) >= 0).tobytes()


def _array(projected: NDArray[np.float32] | Tensor) -> NDArray[np.float32]:
    if isinstance(projected, np.ndarray):
        return projected
    return np.asarray(projected.cpu().numpy(), dtype=np.float32)


def _parts(count: int, dimensions: int) -> Iterator[slice]:
    step = max(1, CHUNK // dimensions)
    return (slice(i, i + step) for i in range(0, count, step))


@contextmanager
def _full_float32() -> Iterator[None]:
    """Keep torch from rounding float32 factors to TF32 or bfloat16, whatever the caller chose."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _check(finite: bool) -> None:
    if not finite:
        raise SketchError(
            "A vector has a value that is not finite.",
            "The model overflowed: run it in a wider data type.",
        )
