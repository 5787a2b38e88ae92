"""What the estimator over ledgers believes before it has seen anything."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag.scoring.evidence import Limit


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What ``LedgerEstimator`` believes; most defaults were chosen on a tuning half, ``chain`` and
    ``user`` by reasoning alone.

    ``peer``, ``own`` and ``user`` limit those ledgers; ``half_life`` is in questions. ``chain`` is
    the most, in units of evidence, that a source's record on the chain counts beside what was seen
    here. Silence where another source was right counts as ``silence`` of a wrong answer.

    ``alarm`` is the drift alarm's threshold in nats, for which the agreement of peers counts
    ``peer_alarm`` of gold; after an alarm ``keep`` of the evidence is left. An alarm that took
    peers to raise it takes nothing that gold said, but gives the alarm of gold alone a head start,
    ``head_start`` (0..1) of its threshold, and that one then leaves the record on the chain as it
    is. Sources that err in the same words, and were good and no copies so far, seem to have turned
    together: the mistake of each tells as much as 1 + ``joint`` × the others, as far as they were
    as good as it. Until an alarm, which takes two mistakes not too far apart, such doubt takes
    votes and no evidence. ``copies`` discounts votes that are copied.
    """

    peer: Limit = field(default_factory=lambda: Limit(0.5))
    own: Limit = field(default_factory=lambda: Limit(1.0, 4.0))
    user: Limit = field(default_factory=lambda: Limit(0.25, 4.0))
    prior: tuple[float, float] = (1.0, 1.0)
    chain: float = 8.0
    topic_prior: float = 4.0
    half_life: float = 1_000.0
    silence: float = 0.25
    alarm: float = 3.0
    peer_alarm: float = 0.6
    keep: float = 0.1
    head_start: float = 0.5
    joint: float = 1.0
    copies: bool = True
