"""An entry of the feedback log, read from the bytes of its event.

There may be millions. Read by `chain_event.read_values`, which believes nothing, each takes half a
millisecond; this reads events in their one encoding, as an index holds them, in a microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass

_WORD = 32
_HEAD = 4 * _WORD


@dataclass(frozen=True, slots=True)
class Entry:
    """Who spoke (20 bytes), with what weight of the gate (hundredths), when (Unix s), and what.

    ``said`` is packed ratings or vouches, as the log took them.
    """

    rater: bytes
    weight: int
    time: int
    said: bytes


def read_entry(topics: bytes, content: bytes) -> Entry:
    """The entry of a Rated or Vouched event in its one encoding."""
    size = int.from_bytes(content[_HEAD - _WORD : _HEAD])
    return Entry(
        rater=topics[_WORD - 20 : _WORD],
        weight=int.from_bytes(content[:_WORD]),
        time=int.from_bytes(content[_WORD : 2 * _WORD]),
        said=content[_HEAD : _HEAD + size],
    )
