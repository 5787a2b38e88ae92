"""One array out of a state that anyone may have written: the right one, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.errors import StateError

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[np.generic]]
Number = TypeVar("Number", bound=np.generic)

LARGEST = 1e12
REMEDY = "Delete that file to learn anew, or put back a copy that this version wrote."


def taken(
    state: Arrays,
    name: str,
    kind: type[Number],
    shape: tuple[int | None, ...],
    *,
    most: float | None = None,
) -> NDArray[Number]:
    """Return the named array; None in ``shape`` is any length, ``most`` says 0 ≤ value ≤ most.

    Raises StateError where it is missing, of another type or shape, or has a value that is not
    finite or beyond ±1e12, so that no sum of what it takes over can overflow.
    """
    found = state.get(name)
    if found is None or found.dtype != np.dtype(kind):
        raise StateError(f"The stored state lacks {name}, or has it in another form.", REMEDY)
    fits = len(found.shape) == len(shape) and all(
        wanted is None or wanted == length
        for wanted, length in zip(shape, found.shape, strict=True)
    )
    if not fits:
        raise StateError(f"The stored state has {name} in another shape.", REMEDY)
    array: NDArray[Number] = found.astype(kind)
    least, most = (-LARGEST, LARGEST) if most is None else (0.0, most)
    # A value that is not a number fails both comparisons.
    if array.size and not (array.min() >= least and array.max() <= most):
        raise StateError(f"The stored state has {name} out of range.", REMEDY)
    return array
