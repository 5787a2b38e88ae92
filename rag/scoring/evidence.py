"""Evidence on sources, per topic, in ledgers that are not believed alike."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from rag.errors import ScoringError, StateError
from rag.state.arrays import REMEDY, Arrays, taken

MAX_TALLIES = 16_384
"""So many sources × topics are remembered. Beyond that those with the least gold are forgotten,
of equals the longest untouched, ``AT_ONCE`` at a time."""
AT_ONCE = 1_024
MOST = 1e6
"""No ledger holds more evidence than this on one source and topic."""
Ledger = Literal["gold", "user", "own", "peer"]
"""Gold probes, users' feedback, agreement with the asker's own model, agreement with others."""
LEDGERS: tuple[Ledger, ...] = get_args(Ledger)


@dataclass(frozen=True, slots=True)
class Limit:
    """A ledger may weigh ``times_gold`` × the gold evidence on the same source, plus ``floor``."""

    times_gold: float
    floor: float = 0.0


@dataclass(slots=True)
class _Tally:
    supported: float = 0.0
    contradicted: float = 0.0
    time: float = 0.0

    def scale(self, factor: float) -> None:
        self.supported *= factor
        self.contradicted *= factor


@dataclass(slots=True)
class EvidenceBook:
    """Beta evidence per source and topic, fading with time, ledgers limited by gold.

    ``limits`` names the ledgers that are limited; ``half_life`` is in the unit of the times
    given, infinite for evidence that never fades. ``prior`` is (α, β); the reliability on a topic
    is shrunk toward the source's own with the strength of ``topic_prior`` units of evidence.
    """

    limits: Mapping[Ledger, Limit]
    prior: tuple[float, float] = (1.0, 1.0)
    topic_prior: float = 8.0
    half_life: float = float("inf")
    _tallies: dict[tuple[int, str], dict[Ledger, _Tally]] = field(default_factory=dict)

    def add(
        self,
        source: int,
        ledger: Ledger,
        supported: float,
        contradicted: float,
        time: float,
        topic: str = "",
    ) -> None:
        """Add evidence to the source, and to its topic if there is one.

        Raises ScoringError for an amount that is negative or not finite.
        """
        if not all(math.isfinite(amount) and amount >= 0.0 for amount in (supported, contradicted)):
            raise ScoringError("An amount of evidence is no number from 0.", "Give 0 to 1.")
        for part in sorted({"", topic}):
            tallies = self._tallies.pop((source, part), {})
            self._tallies[source, part] = tallies  # the last touched stands last
            tally = tallies.setdefault(ledger, _Tally(time=time))
            tally.scale(0.5 ** (max(time - tally.time, 0.0) / self.half_life))
            tally.time = max(time, tally.time)
            tally.supported += supported
            tally.contradicted += contradicted
            if (size := tally.supported + tally.contradicted) > MOST:
                tally.scale(MOST / size)
        if len(self._tallies) > MAX_TALLIES:
            for key in sorted(self._tallies, key=self._gold_of)[:AT_ONCE]:
                del self._tallies[key]

    def state(self) -> Arrays:
        """Return every tally: whose, the number of its topic and ledger, amounts and time."""
        topics = {topic: n for n, topic in enumerate(sorted({t for _, t in self._tallies}))}
        rows = [
            (source, topics[topic], LEDGERS.index(ledger), t.supported, t.contradicted, t.time)
            for (source, topic), tallies in self._tallies.items()
            for ledger, t in tallies.items()
        ]
        return {
            "topics": np.frombuffer("\n".join(topics).encode(), dtype=np.uint8),
            "whose": np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3),
            "amounts": np.array([row[3:] for row in rows], dtype=np.float64).reshape(-1, 3),
        }

    def restore(self, state: Arrays) -> None:
        """Take over tallies; raises StateError if they do not fit."""
        topics = taken(state, "topics", np.uint8, (None,)).tobytes().decode(errors="replace")
        names = topics.split("\n")
        whose = taken(state, "whose", np.int64, (None, 3))
        amounts = taken(state, "amounts", np.float64, (len(whose), 3), most=1e12)
        bounds = (1 << 32, len(names), len(LEDGERS))
        if len(whose) > MAX_TALLIES * len(LEDGERS) or not (whose < bounds).all():
            raise StateError("A file of evidence has sources or topics out of range.", REMEDY)
        if (whose[:, 0] < -1).any() or (whose[:, 1:] < 0).any():
            raise StateError("A file of evidence has sources or topics out of range.", REMEDY)
        self._tallies.clear()
        for (source, topic, ledger), row in zip(whose.tolist(), amounts.tolist(), strict=True):
            tallies = self._tallies.setdefault((source, names[topic]), {})
            tallies[LEDGERS[ledger]] = _Tally(min(row[0], MOST), min(row[1], MOST), row[2])

    def forget(self, source: int, keep: float, ledgers: Collection[Ledger] | None = None) -> None:
        """Let only the share ``keep`` of what these ledgers (None: all) know of a source count."""
        for (owner, _), tallies in self._tallies.items():
            if owner == source:
                for ledger, tally in tallies.items():
                    if ledgers is None or ledger in ledgers:
                        tally.scale(keep)

    def drop(self, sources: Collection[int]) -> None:
        """Forget these sources."""
        for key in [key for key in self._tallies if key[0] in sources]:
            del self._tallies[key]

    def gold(self, source: int, time: float) -> tuple[float, float]:
        """Return the gold evidence for and against a source that has not faded."""
        return self._faded(source, "", time).get("gold", (0.0, 0.0))

    def posterior(
        self,
        source: int,
        time: float,
        topic: str = "",
        prior: tuple[float, float] | None = None,
    ) -> tuple[float, float]:
        """Return (α, β) of the Beta posterior of a source's reliability, on a topic if given.

        ``prior`` is what was known of this source before, if anything.
        """
        alpha, beta = prior or self.prior
        supported, contradicted = self._limited(source, "", time)
        alpha, beta = alpha + supported, beta + contradicted
        if not topic:
            return alpha, beta
        strength = min(self.topic_prior / (alpha + beta), 1.0)
        supported, contradicted = self._limited(source, topic, time)
        return alpha * strength + supported, beta * strength + contradicted

    def mean(
        self,
        source: int,
        time: float,
        topic: str = "",
        prior: tuple[float, float] | None = None,
    ) -> float:
        """Return the mean of ``posterior``."""
        alpha, beta = self.posterior(source, time, topic, prior)
        return alpha / (alpha + beta)

    def _limited(self, source: int, topic: str, time: float) -> tuple[float, float]:
        """Return (supported, contradicted) of all ledgers, limited by the gold on this very topic.

        Gold on one topic buys peers no say on another.
        """
        faded = self._faded(source, topic, time)
        gold = sum(faded.get("gold", (0.0, 0.0)))
        found = [0.0, 0.0]
        for ledger, amounts in faded.items():
            limit, size = self.limits.get(ledger), sum(amounts)
            allowed = size if limit is None else limit.times_gold * gold + limit.floor
            factor = 1.0 if size <= allowed else allowed / size
            found = [have + factor * amount for have, amount in zip(found, amounts, strict=True)]
        return found[0], found[1]

    def _gold_of(self, key: tuple[int, str]) -> float:
        tally = self._tallies[key].get("gold")
        return tally.supported + tally.contradicted if tally else 0.0

    def _faded(self, source: int, topic: str, time: float) -> dict[Ledger, tuple[float, float]]:
        found: dict[Ledger, tuple[float, float]] = {}
        for ledger, tally in self._tallies.get((source, topic), {}).items():
            age = time - tally.time
            left = 0.5 ** (age / self.half_life) if age > 0.0 else 1.0
            found[ledger] = tally.supported * left, tally.contradicted * left
        return found
