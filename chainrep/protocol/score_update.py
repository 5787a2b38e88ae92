"""The 12-byte wire form of a score update, and the batch as their concatenation.

Big-endian: source id (4 bytes), then supported, contradicted, used, asked (2 bytes each).
Ids ascend strictly, so one source appears once and a batch has exactly one encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from chainrep.errors import BatchTooLarge, InputError
from chainrep.protocol.types import MAX_DELTA, MAX_SOURCE, ScoreUpdate

UPDATE_BYTES = 12
_LAYOUT = struct.Struct(">I4H")


def pack_updates(updates: Iterable[ScoreUpdate]) -> bytes:
    """Concatenate updates; raise InputError unless ids ascend strictly and values fit."""
    packed = bytearray()
    last = 0
    for update in updates:
        if not 0 < update.source <= MAX_SOURCE:
            raise InputError(f"Source id {update.source} is outside 1..{MAX_SOURCE}.")
        if update.source <= last:
            raise InputError(f"Source {update.source} follows {last}: ids must ascend strictly.")
        deltas = (update.supported, update.contradicted, update.used, update.asked)
        if not all(0 <= delta <= MAX_DELTA for delta in deltas):
            raise BatchTooLarge(
                f"Source {update.source} has a delta outside 0..{MAX_DELTA} hundredths.",
                "Split the evidence over several batches.",
            )
        packed += _LAYOUT.pack(update.source, *deltas)
        last = update.source
    return bytes(packed)


def unpack_updates(packed: bytes) -> Sequence[ScoreUpdate]:
    """Read a batch back; raise InputError on a partial update or ids that do not ascend."""
    if len(packed) % UPDATE_BYTES:
        raise InputError(f"A batch of {len(packed)} bytes is no whole number of updates.")
    updates = [ScoreUpdate(*fields) for fields in _LAYOUT.iter_unpack(packed)]
    last = 0
    for update in updates:
        if update.source <= last:
            raise InputError(f"Source {update.source} follows {last}: ids must ascend strictly.")
        last = update.source
    return updates
