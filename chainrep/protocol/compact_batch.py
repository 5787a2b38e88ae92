"""The compact form of a batch, in which an archive ledger keeps it: about 5 bytes per update.

A batch is a sequence of unsigned integers, each as LEB128 (7 bits per byte, low ones first, the top
bit says that more follow): first the unit, which is the greatest common divisor of all deltas; then
per update the distance of its source id from the one before, and the four deltas as multiples of
the unit. Every batch has exactly one encoding, and `unpack_compact` refuses any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd

from chainrep.errors import InputError
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import MAX_DELTA, MAX_SOURCE, ScoreUpdate

_MAX_INTEGER_BYTES = 5
"""Enough for 32 bits: no number in a batch is larger."""


def pack_compact(updates: Sequence[ScoreUpdate]) -> bytes:
    """Encode updates; raise InputError or BatchTooLarge for what `pack_updates` would refuse."""
    pack_updates(updates)  # the one place that knows which updates are valid
    if not updates:
        raise InputError("A batch needs at least one update.")
    unit = gcd(*(delta for update in updates for delta in _deltas(update))) or 1
    packed = bytearray(_encode(unit))
    last = 0
    for update in updates:
        packed += _encode(update.source - last)
        last = update.source
        for delta in _deltas(update):
            packed += _encode(delta // unit)
    return bytes(packed)


def unpack_compact(packed: bytes) -> Sequence[ScoreUpdate]:
    """Decode a batch; raise InputError unless it is the one encoding of valid updates."""
    numbers = list(_decode(packed))
    if len(numbers) < 6 or len(numbers) % 5 != 1:
        raise InputError(f"A compact batch of {len(numbers)} numbers is not whole.")
    unit, rest = numbers[0], numbers[1:]
    updates = []
    source = 0
    for i in range(0, len(rest), 5):
        source += rest[i]
        deltas = [unit * count for count in rest[i + 1 : i + 5]]
        if rest[i] == 0 or source > MAX_SOURCE or max(deltas) > MAX_DELTA:
            raise InputError(f"Update {i // 5} of a compact batch is out of bounds.")
        updates.append(ScoreUpdate(source, *deltas))
    if pack_compact(updates) != packed:
        raise InputError("A compact batch is not in its one encoding.")
    return updates


def _deltas(update: ScoreUpdate) -> tuple[int, int, int, int]:
    return (update.supported, update.contradicted, update.used, update.asked)


def _encode(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(0x80 | (number & 0x7F))
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _decode(packed: bytes) -> Iterator[int]:
    number = size = 0
    for byte in packed:
        number |= (byte & 0x7F) << (7 * size)
        size += 1
        if byte < 0x80:
            yield number
            number = size = 0
        elif size == _MAX_INTEGER_BYTES:
            raise InputError("A number in a compact batch is too long.")
    if size:
        raise InputError("A compact batch ends within a number.")
