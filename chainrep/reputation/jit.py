"""How this package compiles its kernels: once, to disk, and without holding Python's lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content = path.read_bytes()
        if b"@compiled" in content or b"@intrinsic" in content:
            digest.update(content)
    return digest.hexdigest()[:12]


_VERSION = _version()


def compiled(function: F) -> F:
    """Compile at the first call, and keep the machine code for the next process.

    No fast-math anywhere: every kernel is integers only, or says in its own words why not.
    """
    # The cache would miss a change in a kernel that this one calls in another file: so the name
    # under which code is kept holds a hash of all of them.
    function.__qualname__ += f"_{_VERSION}"
    try:
        return cast(F, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(F, njit(nogil=True)(function))
