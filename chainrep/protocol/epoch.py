"""Epochs: numbered stretches of time, all of one length, counted from the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.protocol.reputation_tree import MAX_EPOCH


@dataclass(frozen=True, slots=True)
class Epoch:
    """Epoch ``number`` of this length lasts from `begin` to before `end`, in Unix seconds."""

    number: int
    seconds: int

    def __post_init__(self) -> None:
        if self.seconds <= 0 or not 0 <= self.number <= MAX_EPOCH:
            raise InputError(
                f"An epoch is a number of 0..{MAX_EPOCH} and lasts a second or longer."
            )

    @property
    def begin(self) -> int:
        """Its first second."""
        return self.number * self.seconds

    @property
    def end(self) -> int:
        """The first second after it: what was said before it counts."""
        return self.begin + self.seconds

    def ended(self, time: int) -> bool:
        """Whether it is over at this time, so that its root can be proposed."""
        return time >= self.end


def epoch_at(time: int, seconds: int) -> Epoch:
    """The epoch in which a time lies; raise InputError for a time before 1970."""
    return Epoch(time // seconds if seconds > 0 else 0, seconds)
