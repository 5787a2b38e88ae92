"""Gold probes: questions of known answer, hidden among users' questions, promised beforehand.

The asker publishes ``commitment`` before it asks and ``Reveal`` afterwards: nobody can say later
that probes were picked to suit, and a source cannot tell a probe from a question while it counts.
Probes go through the same pipeline, at secret places, with fresh salts like everything else.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SALT_BYTES = 32

Digest = Callable[[bytes], bytes]


def sha3(message: bytes) -> bytes:
    """Return SHA3-256; pass keccak instead where a contract has to check commitments."""
    return hashlib.sha3_256(message).digest()


@dataclass(frozen=True, slots=True)
class Probe:
    """A question and the answers that count as right."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reveal:
    """What opens a commitment: the probes in their order, the seed of their places, the salt."""

    probes: tuple[Probe, ...]
    seed: bytes
    rate: float
    salt: bytes


class ProbeSchedule:
    """Where probes go: one in every block of questions, at a place in it drawn by ``seed``.

    Whoever does not have the seed sees every place of a block as equally likely. One per block
    rather than each with probability ``rate``, so that evidence does not depend on luck. The first
    ``EARLY`` blocks have a quarter of 1/``rate`` questions, because nothing is known yet, later
    ones 1.2 times as many as 1/``rate``: from about 15 / ``rate`` questions on the share of probes
    is at most ``rate``. Raises ValueError when the rate is not within (0, 1].
    """

    EARLY = 3

    def __init__(self, rate: float, seed: bytes) -> None:
        if not 0.0 < rate <= 1.0:
            raise ValueError(f"a rate of {rate} is not within (0, 1]")
        self._short = max(round(0.25 / rate), 1)
        self._long = max(round(1.2 / rate), 1) if rate < 1.0 else 1
        self._seed = seed

    def is_probe(self, number: int) -> bool:
        """Tell whether question ``number`` (from 0) is a probe."""
        early = self.EARLY * self._short
        length = self._short if number < early else self._long
        block, place = divmod(number if number < early else number - early, length)
        message = length.to_bytes(8, "big") + block.to_bytes(8, "big")
        drawn = hmac.digest(self._seed, message, "sha256")
        return place == int.from_bytes(drawn, "big") % length


def commitment(reveal: Reveal, digest: Digest = sha3) -> bytes:
    """Return the digest to publish before the first question; every field is length-prefixed.

    Raises ValueError when the salt is not 32 bytes: without one, a guess could be checked.
    """
    if len(reveal.salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(reveal.salt)}")
    parts = [reveal.salt, reveal.seed, repr(reveal.rate).encode()]
    for probe in reveal.probes:
        texts = [text.encode() for text in (probe.question, *probe.answers)]
        parts.append(b"".join(_framed(text) for text in texts))
    return digest(b"".join(_framed(part) for part in parts))


def opens(reveal: Reveal, published: bytes, digest: Digest = sha3) -> bool:
    """Tell whether a reveal is what was committed to."""
    return hmac.compare_digest(commitment(reveal, digest), published)


def mingled(
    questions: Sequence[str], probes: Sequence[Probe], schedule: ProbeSchedule, seed: bytes
) -> list[tuple[str, Probe | None]]:
    """Return the stream to ask: users' questions in their order, probes at their places.

    The probes come in an order drawn by ``seed``, each once; when they run out, the rest of the
    questions follow without.
    """
    left = list(probes)
    random.Random(seed).shuffle(left)  # noqa: S311 - the seed is the secret
    waiting = list(reversed(questions))
    stream: list[tuple[str, Probe | None]] = []
    while waiting:
        if left and schedule.is_probe(len(stream)):
            probe = left.pop()
            stream.append((probe.question, probe))
        else:
            stream.append((waiting.pop(), None))
    return stream


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message
