"""Our estimator: gold first, what the asker's own model knows, and peers no more than gold."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from rag.scoring.ballots import Ballot, log_odds
from rag.scoring.copies import CopyBook
from rag.scoring.drift import DriftAlarm
from rag.scoring.evidence import EvidenceBook, Ledger, Limit
from rag.scoring.owner_caps import capped
from rag.scoring.peers import agreements

SOFT: tuple[Ledger, ...] = ("peer", "own")
"""What an alarm that peers helped to raise takes back: never gold, which they cannot give."""


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What ``LedgerEstimator`` believes; most defaults were chosen on a tuning half.

    ``peer`` and ``own`` limit those ledgers; ``half_life`` is in questions. ``alarm`` is the drift
    alarm's threshold in nats, for which the agreement of peers counts ``peer_alarm`` of gold; after
    an alarm ``keep`` of the evidence is left, but all gold where it took peers to raise it.
    ``copies`` discounts votes that are copied.
    """

    peer: Limit = field(default_factory=lambda: Limit(0.5))
    own: Limit = field(default_factory=lambda: Limit(1.0, 4.0))
    prior: tuple[float, float] = (1.0, 1.0)
    topic_prior: float = 4.0
    half_life: float = 1_000.0
    alarm: float = 4.0
    peer_alarm: float = 0.6
    keep: float = 0.1
    copies: bool = True


class LedgerEstimator:
    """An ``Estimator`` over an ``EvidenceBook``, for ``voters`` known from the start.

    ``own`` is the voter that is the asker's own model without passages: nobody can buy its vote,
    so agreement with it is a ledger of its own. Sources of one owner share a vote.
    """

    def __init__(
        self,
        voters: Sequence[int],
        settings: LedgerSettings | None = None,
        own: int | None = None,
        owners: Mapping[int, Hashable] | None = None,
    ) -> None:
        self.settings = settings or LedgerSettings()
        self._voters = tuple(voters)
        self._own = own
        self._owners = owners or {}
        s = self.settings
        self._book = EvidenceBook(
            {"peer": s.peer, "own": s.own}, s.prior, s.topic_prior, s.half_life
        )
        self._copies = CopyBook()
        self._fallen = DriftAlarm(s.alarm)
        self._suspect = DriftAlarm(s.alarm)
        self._time = 0
        self._known: dict[str, dict[int, float]] = {}
        self.alarms: list[tuple[int, int]] = []
        """(number of the ballot from 1, voter) of every drift alarm so far."""

    def weights(self, ballot: Ballot) -> Mapping[int, float]:
        """Return the weights of all voters for this ballot: who copies counts for less.

        Where nobody who answered is better than a coin, votes weigh as much as the odds: the least
        bad lead, and with equal odds it is the majority.
        """
        weights = self._plain(ballot.topic)
        if not any(weights[v] for v in ballot.answers):
            means = self._means(ballot.topic)
            weights = {v: m / (1.0 - m) for v, m in means.items()}
        if self.settings.copies:
            weights |= self._copies.discounted(ballot.answers, weights)
        return capped(weights, self._owners, ballot.answers) if self._owners else weights

    def learn(self, ballot: Ballot, right: Mapping[int, bool] | None = None) -> None:
        """Enter a ballot into the ledgers; gold counts only where a source was right."""
        answers = ballot.answers
        sources = [v for v in answers if v != self._own]
        usual = self._means("")
        peers = agreements(answers, self._plain(ballot.topic), self._apart)
        self._time += 1
        self._known = {}
        if right is not None and any(right[v] for v in sources):
            self._copies.learn(answers, right)
            gold = {v: (float(right[v]), float(not right[v])) for v in answers}
            self._enter("gold", gold, ballot.topic)
            self._watch(self._fallen, usual, gold, 1.0, None)
            self._watch(self._suspect, usual, gold, 1.0, SOFT)
        self._enter("peer", peers, ballot.topic)
        self._watch(self._suspect, usual, peers, self.settings.peer_alarm, SOFT)
        said = None if self._own is None else answers.get(self._own)
        if said is not None:
            agree = {v: answers[v] == said for v in sources}
            if any(agree.values()) and not all(agree.values()):
                own = {v: (float(a), float(not a)) for v, a in agree.items()}
                self._enter("own", own, ballot.topic)

    def hear(self, voter: int, supported: float, contradicted: float, topic: str = "") -> None:
        """Enter users' feedback on one voter: a ledger of its own, that is not limited by gold."""
        self._enter("user", {voter: (supported, contradicted)}, topic)
        self._known = {}

    def reliabilities(self, topic: str = "") -> Mapping[int, float]:
        """Return the posterior mean of every voter, 0..1."""
        return self._means(topic)

    def evidence(self, voter: int, topic: str = "") -> float:
        """Return how much evidence, in units, ``reliabilities`` rests on, the prior included."""
        return sum(self._book.posterior(voter, self._time, topic))

    def _plain(self, topic: str) -> dict[int, float]:
        means = self._means(topic)
        return {v: max(log_odds(m), 0.0) for v, m in means.items()}

    def _means(self, topic: str) -> dict[int, float]:
        if topic not in self._known:
            self._known[topic] = {v: self._book.mean(v, self._time, topic) for v in self._voters}
        return self._known[topic]

    def _apart(self, a: int, b: int) -> float:
        return 1.0 - self._copies.dependence(a, b) if self.settings.copies else 1.0

    def _enter(self, ledger: Ledger, found: Mapping[int, tuple[float, float]], topic: str) -> None:
        for voter, (supported, contradicted) in found.items():
            self._book.add(voter, ledger, supported, contradicted, self._time, topic)

    def _watch(
        self,
        alarm: DriftAlarm,
        usual: Mapping[int, float],
        found: Mapping[int, tuple[float, float]],
        part: float,
        ledgers: Collection[Ledger] | None,
    ) -> None:
        for voter, (supported, contradicted) in found.items():
            if alarm.observe(voter, usual[voter], part * supported, part * contradicted):
                self._book.forget(voter, self.settings.keep, ledgers)
                self.alarms.append((self._time, voter))
