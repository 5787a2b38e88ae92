"""What a check of an inference receipt found, and what it says of the provider.

A match speaks for the provider as one supported answer does, one unit of evidence. A mismatch
speaks against it as ten matches speak for it: a provider is found out only in the jobs that are
checked, and honest ones are wrongly found out in fewer than one of 10,000 (the sequential test), so
that who cheats in a tenth of the jobs gains nothing by the others, while an honest one loses a
thousandth. An inconclusive verdict says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from chainrep.protocol.types import EVIDENCE_UNIT


class Verdict(IntEnum):
    """The number is part of the packed form; 0 is no verdict."""

    MATCH = 1
    MISMATCH = 2
    INCONCLUSIVE = 3


VERDICT_AMOUNTS: Mapping[Verdict, int] = {
    Verdict.MATCH: EVIDENCE_UNIT,
    Verdict.MISMATCH: -10 * EVIDENCE_UNIT,
    Verdict.INCONCLUSIVE: 0,
}
"""What each verdict says of the provider, in hundredths of a unit of evidence."""


@dataclass(frozen=True, slots=True)
class ReceiptVerdict:
    """The verdict on a receipt of a provider (20 bytes).

    ``receipt`` is the first 20 bytes of its digest: see `receipt_name`. ``distance`` is the largest
    Hamming distance among the codes compared, in bits, 0..16,383.
    """

    provider: bytes
    receipt: bytes
    verdict: Verdict
    distance: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """That each of the raters (20 bytes each) says ``amount`` of the ratee at a time (Unix s).

    ``amount`` is in hundredths of a unit of evidence, below zero for a warning. Whatever a contract
    decides about a provider becomes one of these before it becomes part of its reputation.
    """

    time: int
    raters: Sequence[bytes]
    ratee: bytes
    amount: int


def receipt_name(digest: bytes) -> bytes:
    """By what the verdict ledger knows a receipt: the first 20 bytes of the digest that is signed.

    The provider belongs to the name, since a digest does not say who signed it.
    """
    return digest[:20]
