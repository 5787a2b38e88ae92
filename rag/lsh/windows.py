"""Hidden states of up to 32 tokens, laid out as one vector of unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from rag.errors import SketchError

if TYPE_CHECKING:
    from torch import Tensor

WINDOW = 32


@overload
def window_vectors(states: NDArray[Any], size: int = WINDOW) -> NDArray[np.float32]: ...
@overload
def window_vectors(states: Tensor, size: int = WINDOW) -> Tensor: ...
def window_vectors(
    states: NDArray[Any] | Tensor, size: int = WINDOW
) -> NDArray[np.float32] | Tensor:
    """Cut states of shape (m, d) into windows of ``size`` tokens: float32 of shape (n, size·d),
    where n = ceil(m / size); a tensor stays on its device.

    Each token's state is scaled to length 1, so that a token with a large state cannot drown the
    others, and then by 1/sqrt(tokens in its window), so that a window has length 1. A last window
    with fewer tokens is padded with zeros at its end.

    Raises SketchError when the states are not a matrix with at least one row, or one of them is all
    zeros or has no finite length.
    """
    if states.ndim != 2 or 0 in states.shape or size < 1:
        raise SketchError(
            f"States of shape {tuple(states.shape)} cannot be cut into windows of {size} tokens.",
            "Give one row of hidden states for each generated token.",
        )
    if isinstance(states, np.ndarray):
        rows = states.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        _check(bool((np.isfinite(lengths) & (lengths > 0)).all()))
        rows /= lengths * np.sqrt(_tokens(len(rows), size))[:, None]
        padded = np.zeros((-(-len(rows) // size) * size, rows.shape[1]), dtype=np.float32)
        padded[: len(rows)] = rows
        return padded.reshape(-1, size * rows.shape[1])
    import torch

    with torch.no_grad():
        given = states.to(torch.float32)
        norms = torch.linalg.vector_norm(given, dim=1, keepdim=True)
        _check(bool((torch.isfinite(norms) & (norms > 0)).all()))
        shares = torch.from_numpy(np.sqrt(_tokens(len(given), size))).to(given.device)
        filled = torch.nn.functional.pad(
            given / (norms * shares[:, None]), (0, 0, 0, -len(given) % size)
        )
        return filled.reshape(-1, size * given.shape[1])


def _tokens(count: int, size: int) -> NDArray[np.float32]:
    """For each token: how many tokens its window holds."""
    full = count - count % size
    return np.where(np.arange(count) < full, size, count % size).astype(np.float32)


def _check(usable: bool) -> None:
    if not usable:
        raise SketchError(
            "A hidden state is all zeros, or has no finite length.",
            "The model overflowed or produced nothing: run it in a wider data type.",
        )
