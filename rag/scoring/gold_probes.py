"""Gold probes: questions of known answer, hidden among users' questions, promised beforehand.

The asker publishes ``commitment`` of a batch before it asks and its ``Reveal`` afterwards: nobody
can say later that probes were picked to suit. Places are drawn question by question from a seed of
the batch, and the seeds of all batches from one secret: who knows every probe so far, or even a
batch's seed, knows no more of the next than how many there may be.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.errors import ScoringError

SALT_BYTES = 32
SECRET_BYTES = 32
BATCH = 256
"""Questions that one seed, and one commitment, is for."""

HORIZON = 12.0
"""What is spent early is taken back over so many probes."""

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
class Opened:
    """A probe that was asked, and the 32 bytes that keep its digest from being guessed."""

    probe: Probe
    salt: bytes


@dataclass(frozen=True, slots=True)
class Reveal:
    """What opens a commitment: the probes asked, the seed of a batch's places, the salt.

    Probes are asked in the order in which they were promised; of those that the batch had no place
    for, only the digests are told (``unasked``), so that a later batch can ask them. ``draw_of``
    of the seed and a question's number says how rare a chance made it a probe.
    """

    batch: int
    asked: tuple[Opened, ...]
    unasked: tuple[bytes, ...]
    seed: bytes
    rate: float
    salt: bytes


@dataclass(frozen=True, slots=True)
class Spending:
    """How a schedule spends its gold; chosen among a few on a tuning half and other seeds.

    ``first`` probes more than the rate are allowed at first and taken back over the first 12 /
    rate questions; until about so many were asked each question is one with chance ``early``.
    Later the chance is ``calm`` × the probes that are left to spend, and ``doubt`` times that
    while a source seems to have turned.
    """

    first: float = 6.0
    early: float = 0.4
    calm: float = 0.02
    doubt: float = 8.0


class ProbeSchedule:
    """Says of one question after the other whether it is a probe.

    At most the share ``rate`` are, once 12 / ``rate`` questions were asked. ``secret`` has 32 bytes
    and never leaves; ``number`` and ``asked`` say how many questions and probes went before. Raises
    ScoringError for a rate that is not within (0, 1], or another secret.
    """

    def __init__(
        self,
        rate: float,
        secret: bytes,
        spending: Spending | None = None,
        *,
        number: int = 0,
        asked: int = 0,
    ) -> None:
        if not 0.0 < rate <= 1.0:
            raise ScoringError(f"A rate of {rate} is not within (0, 1].", "Try 0.05.")
        if len(secret) != SECRET_BYTES:
            raise ScoringError("A schedule's secret has 32 bytes.", "Draw it with secrets.")
        self.rate = rate
        self.number = number
        self.asked = asked
        self._secret = secret
        self._spending = spending or Spending()

    def seed(self, batch: int) -> bytes:
        """Return the seed of a batch, which may be shown when the batch is over."""
        return hmac.digest(self._secret, b"batch" + batch.to_bytes(8, "big"), "sha256")

    def next_is_probe(self, doubtful: bool = False) -> bool:
        """Tell whether the next question is a probe, and count it."""
        drawn = draw_of(self.seed(self.number // BATCH), self.number)
        chosen = self.rate == 1.0 or drawn < self._chance(doubtful)
        self.number += 1
        self.asked += chosen
        return chosen

    def _chance(self, doubtful: bool) -> float:
        s = self._spending
        extra = s.first * max(0.0, 1.0 - self.number * self.rate / HORIZON)
        left = self.rate * (self.number + 1) + extra - self.asked
        if left <= 0.0:
            return 0.0
        if self.number < s.first / s.early:
            return s.early
        return s.calm * left * (s.doubt if doubtful else 1.0)


def draw_of(seed: bytes, number: int) -> float:
    """Return the number in 0..1 that makes a question a probe where it is under the chance."""
    return int.from_bytes(hmac.digest(seed, number.to_bytes(8, "big"), "sha256")[:8]) / 2**64


def leaf(opened: Opened, digest: Digest = sha3) -> bytes:
    """Return the digest of one probe: of its salt, its question and its answers, framed.

    Raises ScoringError when the salt is not 32 bytes: without one, a guess could be checked.
    """
    texts = (opened.probe.question, *opened.probe.answers)
    return digest(b"".join([_framed(_salted(opened.salt)), *(_framed(t.encode()) for t in texts)]))


def commitment(reveal: Reveal, digest: Digest = sha3) -> bytes:
    """Return the digest to publish before a batch; every field is length-prefixed.

    It is of the salt, the batch's number, the seed, the rate and the digest of each probe, asked
    or not, in their order. Raises ScoringError when a salt is not 32 bytes.
    """
    batch = reveal.batch.to_bytes(8, "big")
    parts = [_salted(reveal.salt), batch, reveal.seed, repr(reveal.rate).encode()]
    parts += [leaf(each, digest) for each in reveal.asked]
    return digest(b"".join(_framed(part) for part in [*parts, *reveal.unasked]))


def opens(reveal: Reveal, published: bytes, digest: Digest = sha3) -> bool:
    """Tell whether a reveal is what was committed to."""
    return hmac.compare_digest(commitment(reveal, digest), published)


def drawn_order(probes: Sequence[Probe], secret: bytes) -> list[Probe]:
    """Return a bank of probes in the order in which they are asked, each question once.

    The order of two probes does not depend on what else is in the bank.
    """
    each = {probe.question: probe for probe in probes}
    return sorted(each.values(), key=lambda p: hmac.digest(secret, p.question.encode(), "sha256"))


def _salted(salt: bytes) -> bytes:
    if len(salt) != SALT_BYTES:
        raise ScoringError(f"A salt has {SALT_BYTES} bytes, not {len(salt)}.")
    return salt


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message
