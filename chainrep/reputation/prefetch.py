"""Asking memory for a row before it is needed, which Python has no word for.

A kernel that gathers rows at random places waits for memory most of its time. With the row of the
link sixteen ahead already on its way it takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic
from numba.np import arrayobj as _arrayobj

AHEAD = 16

_code: Any = _cgutils  # numba annotates only part of itself
_arrays: Any = _arrayobj


def _prefetch(_: Any, array: Any, row: Any) -> Any:
    """Start to load ``array[row]`` into the cache; the row need not exist."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = _arrays.make_array(signature.args[0])(context, builder, arguments[0])
        stride = _code.unpack_tuple(builder, found.strides, signature.args[0].ndim)[0]
        word, byte, flag = ir.IntType(64), ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.add(builder.ptrtoint(found.data, word), builder.mul(arguments[1], stride))
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = _code.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        read, keep, of_data = flag(0), flag(3), flag(1)
        builder.call(function, [builder.inttoptr(place, byte), read, keep, of_data])
        return context.get_dummy_value()

    return (types.void(array, types.uint64), generate) if row is not None else None


prefetch: Callable[[Any, Any], None] = cast(Any, intrinsic)(_prefetch)  # an @intrinsic
