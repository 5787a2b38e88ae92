"""The 256-bit word that ScoreLedger keeps per source, and what an update does to it.

From high to low: 24 spare bits, time (40), supported, contradicted, used, asked (48 each).
"""

from __future__ import annotations

from chainrep.errors import InputError
from chainrep.protocol.types import MAX_COUNTER, Score, ScoreUpdate

_LANE = 48


def unpack_record(source: int, word: int) -> Score:
    """Decode a storage word; raise InputError if its spare bits are not zero."""
    if not 0 <= word < 1 << 232:
        raise InputError(f"The record of source {source} has bits set above its fields.")
    asked, used, contradicted, supported = (word >> _LANE * i & MAX_COUNTER for i in range(4))
    return Score(source, supported, contradicted, used, asked, updated_at=word >> 4 * _LANE)


def pack_record(score: Score) -> int:
    """Encode a score as the ledger's storage word."""
    word = score.updated_at
    for counter in (score.supported, score.contradicted, score.used, score.asked):
        word = word << _LANE | counter
    return word


def add_update(score: Score, update: ScoreUpdate, time: int) -> Score:
    """What the ledger does with one update; raise InputError where it reverts."""
    counters = (
        score.supported + update.supported,
        score.contradicted + update.contradicted,
        score.used + update.used,
        score.asked + update.asked,
    )
    if max(counters) > MAX_COUNTER:
        raise InputError(f"A counter of source {score.source} would pass 2^48 - 1.")
    return Score(score.source, *counters, updated_at=time)
