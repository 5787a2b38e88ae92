"""How long remote sources are waited for, and how often they are tried."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrep.errors import InputError
from rag.source.breaker import BreakerTerms
from rag.source.passage_room import PassageRoom


@dataclass(frozen=True, slots=True)
class AskingTerms:
    """All in seconds but the shares, which are 0..1, and the numbers.

    A source has ``source_seconds``, all together ``total_seconds``. Second requests are at most
    ``hedged_share`` of the first ones. Of answers that came ``again_share`` are asked for once
    more within ``again_within``, so that who contradicts itself is found out: at once where it is
    0, and no later than `RemoteRetriever.settle`. A receipt may be off by ``clock_tolerance``.
    Prices are asked for every ``price_seconds``. ``at_once`` sources are asked at a time, of one
    search ``per_host`` on one host outside, and ``per_owner`` of one owner altogether. Of passages
    no more is read than ``room``. Raises InputError for a value that makes no sense.
    """

    source_seconds: float = 3.0
    total_seconds: float = 4.0
    hedged_share: float = 0.1
    again_share: float = 0.02
    again_within: float = 60.0
    clock_tolerance: float = 300.0
    price_seconds: float = 900.0
    at_once: int = 64
    per_owner: int = 4
    per_host: int = 4
    breaker: BreakerTerms = field(default_factory=BreakerTerms)
    room: PassageRoom = field(default_factory=PassageRoom)

    def __post_init__(self) -> None:
        seconds = (self.source_seconds, self.total_seconds, self.price_seconds)
        waits = (self.again_within, self.clock_tolerance)
        if not all(0.0 < s <= 3_600.0 for s in seconds) or not all(w >= 0.0 for w in waits):
            raise InputError("Sources are waited for for more than 0 and at most 3,600 seconds.")
        if not 0.0 <= self.hedged_share <= 1.0 or not 0.0 <= self.again_share <= 1.0:
            raise InputError("A share of requests is from 0 to 1.")
        if min(self.at_once, self.per_owner, self.per_host) < 1:
            raise InputError("At least one source is asked at a time, of an owner and on a host.")
