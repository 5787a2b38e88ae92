"""Evidence on sources, per topic, in ledgers that are not believed alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Ledger = Literal["gold", "user", "own", "peer"]
"""Gold probes, users' feedback, agreement with the asker's own model, agreement with others."""


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
        """Add evidence (≥ 0 each) to the source, and to its topic if there is one."""
        for part in {"", topic}:
            tallies = self._tallies.setdefault((source, part), {})
            tally = tallies.setdefault(ledger, _Tally(time=time))
            tally.scale(0.5 ** (max(time - tally.time, 0.0) / self.half_life))
            tally.time = max(time, tally.time)
            tally.supported += supported
            tally.contradicted += contradicted

    def forget(self, source: int, keep: float, ledgers: Collection[Ledger] | None = None) -> None:
        """Let only the share ``keep`` of what these ledgers (None: all) know of a source count."""
        for (owner, _), tallies in self._tallies.items():
            if owner == source:
                for ledger, tally in tallies.items():
                    if ledgers is None or ledger in ledgers:
                        tally.scale(keep)

    def posterior(self, source: int, time: float, topic: str = "") -> tuple[float, float]:
        """Return (α, β) of the Beta posterior of a source's reliability, on a topic if given."""
        alpha, beta = self.prior
        supported, contradicted = self._limited(source, "", time)
        alpha, beta = alpha + supported, beta + contradicted
        if not topic:
            return alpha, beta
        strength = min(self.topic_prior / (alpha + beta), 1.0)
        supported, contradicted = self._limited(source, topic, time)
        return alpha * strength + supported, beta * strength + contradicted

    def mean(self, source: int, time: float, topic: str = "") -> float:
        """Return the mean of ``posterior``."""
        alpha, beta = self.posterior(source, time, topic)
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

    def _faded(self, source: int, topic: str, time: float) -> dict[Ledger, tuple[float, float]]:
        found: dict[Ledger, tuple[float, float]] = {}
        for ledger, tally in self._tallies.get((source, topic), {}).items():
            age = time - tally.time
            left = 0.5 ** (age / self.half_life) if age > 0.0 else 1.0
            found[ledger] = tally.supported * left, tally.contradicted * left
        return found
