"""Our estimator: gold first, what the asker's own model knows, and peers no more than gold."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from rag.errors import ScoringError, StateError
from rag.scoring.ballots import Ballot, log_odds
from rag.scoring.copies import CopyBook
from rag.scoring.drift import Doubt, DriftAlarm
from rag.scoring.evidence import EvidenceBook, Ledger, Limit
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.peers import agreements
from rag.scoring.topics import OneTopic, Topics
from rag.state.arrays import REMEDY, Arrays, taken
from rag.state.file import naming, part_of, read_state, write_state
from rag.types import Reliability

OWN = -1
"""The voter that is the asker's own model without passages: no source has this id."""
SOFT: tuple[Ledger, ...] = ("peer", "own", "user")
"""What an alarm that peers helped to raise takes back: never gold, which they cannot give."""
NAME = "ledgers"
MISTAKES = 1.75
"""Units of gold against a source that an alarm takes: two mistakes, unless one is long past."""
WATCH = 40
"""So many questions long after an alarm more gold is wanted."""
MAX_ALARMS = 1_000
MAX_VOTERS = 1_024
"""Beyond so many those with the least gold are forgotten, but nobody who is asked right now."""


class Kept(Protocol):
    """What has a state."""

    def state(self) -> Arrays:
        """Return it as named arrays."""
        ...

    def restore(self, state: Arrays) -> None:
        """Take it over; raises StateError if it does not fit."""
        ...


class LedgerEstimator:
    """An ``Estimator`` over an ``EvidenceBook``; a voter is known from its first ballot on.

    Agreement with the voter ``OWN`` is a ledger of its own: nobody can buy its vote. ``topics``
    says what evidence is kept apart by. With ``path`` its state is taken from there, and ``save``
    keeps it there; a file that is damaged or of something else raises StateError.
    """

    def __init__(
        self,
        voters: Collection[int] = (),
        settings: LedgerSettings | None = None,
        *,
        topics: Topics | None = None,
        path: Path | None = None,
    ) -> None:
        self.settings = settings or LedgerSettings()
        self._topics = topics or OneTopic()
        self._path = path
        self._voters = dict.fromkeys(voters)
        s = self.settings
        limits: dict[Ledger, Limit] = {"peer": s.peer, "own": s.own, "user": s.user}
        self._book = EvidenceBook(limits, s.prior, s.topic_prior, s.half_life)
        self._copies = CopyBook()
        self._fallen = DriftAlarm(s.alarm, mistakes=MISTAKES, half_life=s.half_life)
        self._suspect = DriftAlarm(s.alarm, half_life=s.half_life)
        self._time = 0
        self._last_alarm = -WATCH
        self._records: dict[int, tuple[float, float]] = {}
        self._trust: dict[int, float] = {}
        self._known: dict[str, dict[int, float]] = {}
        self.alarms: list[tuple[int, int]] = []
        """(number of the ballot from 1, voter) of the first drift alarms."""
        if path is not None and path.exists():
            with naming(path):
                self._restore(path)

    @property
    def time(self) -> int:
        """How many ballots were learned from."""
        return self._time

    @property
    def doubtful(self) -> bool:
        """Whether somebody seems to have turned of late, so that more gold is wanted."""
        return self._time - self._last_alarm < WATCH

    def topic_of(self, question: str) -> str:
        """Return what a question is about, and learn from it what questions are about."""
        return self._topics.of(question)

    def assume(self, known: Mapping[int, Reliability]) -> None:
        """Start every source from its record on the chain, as far as ``chain`` lets it count."""
        records = {}
        for source, r in known.items():
            part = min(1.0, self.settings.chain / r.evidence) if r.evidence > 0.0 else 0.0
            records[source] = (part * r.supported, part * r.contradicted)
        if records != self._records:
            self._records, self._known = records, {}

    def weights(self, ballot: Ballot) -> Mapping[int, float]:
        """Return the weights ≥ 0 of all voters for this ballot: who copies counts for less.

        Where nobody who answered is better than a coin, votes weigh as much as the odds: the least
        bad lead, and with equal odds it is the majority. Who would have overruled them all by
        speaking weighs infinitely there.
        """
        weights = self._undiscounted(ballot)
        if self.settings.copies:
            weights |= self._copies.discounted(ballot.answers, weights)
        return weights

    def bounds(self, ballot: Ballot) -> tuple[Mapping[int, float], Mapping[int, float]]:
        """Return the least and the most that ``weights`` gives any voter, whatever all say.

        Only who answers counts, not what: as long as somebody who weighs something does.
        """
        most = self._undiscounted(ballot)
        least = self._copies.least(ballot.voters, most) if self.settings.copies else {}
        return most | least, most

    def learn(self, ballot: Ballot, right: Mapping[int, bool] | None = None) -> None:
        """Enter a ballot into the ledgers, with gold where it is known.

        Of voters there is no room for nothing is learned.
        """
        ballot = self._meet(ballot)
        answers = ballot.answers
        usual = {v: self._long(v, "") for v in ballot.voters}
        peers = agreements(answers, self._plain(ballot.topic), self._apart)
        self._time += 1
        self._known = {}
        if right is not None:
            self._judge(ballot, right, usual)
        self._enter("peer", peers, ballot.topic)
        self._watch(usual, peers, self.settings.peer_alarm)
        said = answers.get(OWN)
        if said is not None:
            agree = {v: answers[v] == said for v in answers if v != OWN}
            if any(agree.values()) and not all(agree.values()):
                own = {v: (float(a), float(not a)) for v, a in agree.items()}
                self._enter("own", own, ballot.topic)

    def judge(self, ballot: Ballot, right: Mapping[int, bool]) -> None:
        """Enter gold on a ballot that was learned from before; who answered is in ``right``.

        It counts only where a source was right: else the reader failed, or the question is bad.
        """
        ballot = self._meet(ballot)
        usual = {v: self._long(v, "") for v in ballot.voters}
        self._known = {}
        self._judge(ballot, right, usual)

    def hear(self, voter: int, supported: float, contradicted: float, topic: str = "") -> None:
        """Enter users' feedback on one voter, 0..1 each; raises ScoringError for anything else."""
        if not all(math.isfinite(a) and 0.0 <= a <= 1.0 for a in (supported, contradicted)):
            raise ScoringError(
                "Feedback on a source is not between 0 and 1.", "Give its part of one answer."
            )
        self._meet(Ballot({voter: ""}))
        self._enter("user", {voter: (supported, contradicted)}, topic)
        self._known = {}

    def reliabilities(self, topic: str = "") -> Mapping[int, float]:
        """Return the posterior mean of every voter, 0..1: in the long run, not by today's doubt."""
        return {v: self._long(v, topic) for v in self._voters}

    def today(self, topic: str = "") -> Mapping[int, float]:
        """Return how reliable every voter seems right now, 0..1: what its vote goes by."""
        return dict(self._means(topic))

    def evidence(self, voter: int, topic: str = "") -> float:
        """Return how much evidence, in units, ``reliabilities`` rests on, the prior included."""
        return sum(self._book.posterior(voter, self._time, topic, self._prior(voter)))

    def judged(self) -> Mapping[int, Reliability]:
        """Return what is believed of the sources that gold has judged here."""
        found = {}
        for voter in self._voters:
            if voter != OWN and sum(self._book.gold(voter, self._time)) > 0.0:
                right, wrong = self._book.posterior(voter, self._time, "", self._prior(voter))
                found[voter] = Reliability(max(right - 1.0, 0.0), max(wrong - 1.0, 0.0))
        return found

    def save(self) -> None:
        """Keep the state in the file now; raises StateError where that is impossible."""
        if self._path is None:
            return
        arrays = {
            f"{p}.{n}": a for p, part in self._parts().items() for n, a in part.state().items()
        }
        voters = np.array(list(self._voters), dtype=np.int64)
        trust = np.array([self._trust.get(v, 1.0) for v in self._voters], dtype=np.float64)
        since = np.array([self._time, self._time - self._last_alarm], dtype=np.int64)
        write_state(
            self._path,
            NAME,
            {**arrays, "voters": voters, "trust": trust, "since": since},
        )

    def _restore(self, path: Path) -> None:
        name, arrays = read_state(path, "file of evidence on sources")
        if name != NAME:
            raise StateError(f"{path} holds no evidence on sources.", REMEDY)
        for prefix, part in self._parts().items():
            part.restore(part_of(arrays, prefix))
        voters = taken(arrays, "voters", np.int64, (None,)).tolist()
        trust = taken(arrays, "trust", np.float64, (len(voters),), most=1.0).tolist()
        self._voters |= dict.fromkeys(voters[-MAX_VOTERS:])
        self._trust = {v: t for v, t in zip(voters, trust, strict=True) if t < 1.0}
        time, since = taken(arrays, "since", np.int64, (2,), most=1e12).tolist()
        self._time, self._last_alarm = time, time - since

    def _parts(self) -> dict[str, Kept]:
        return {
            "book": self._book,
            "copies": self._copies,
            "fallen": self._fallen,
            "suspect": self._suspect,
            "topics": self._topics,
        }

    def _judge(self, ballot: Ballot, right: Mapping[int, bool], usual: Mapping[int, float]) -> None:
        if not any(right[v] for v in ballot.answers if v != OWN):
            return
        times = {v: self._together(v, ballot, right, usual) for v in ballot.answers}
        self._copies.learn(ballot.answers, right)
        gold = {v: (float(right[v]), float(not right[v])) for v in ballot.answers}
        gold |= dict.fromkeys(sorted(ballot.silent), (0.0, self.settings.silence))
        for voter, (supported, contradicted) in gold.items():
            sure = self._doubt(voter).probability
            fall = self._fallen.observe(
                voter,
                usual[voter],
                supported,
                contradicted,
                times.get(voter, 1.0),
                time=self._time,
            )
            if fall is None and sure <= 0.5 < self._doubt(voter).probability:
                self._alarmed(voter)
            if fall is not None:
                self._fell(voter, None)
                if not fall.suspected:
                    self._trust[voter] = self._trust.get(voter, 1.0) * self.settings.keep
                # What it did since it fell is no old story: this ballot is entered below.
                lost = 1.0 - self.settings.keep
                older = (
                    lost * (fall.supported - supported),
                    lost * (fall.contradicted - contradicted),
                )
                self._enter("gold", {voter: older}, ballot.topic)
        self._enter("gold", gold, ballot.topic)
        self._watch(usual, gold, 1.0)

    def _meet(self, ballot: Ballot) -> Ballot:
        """Return what of a ballot comes from voters there is room for, and know all of them."""
        now = ballot.voters
        if any(v not in self._voters for v in now):
            self._known = {}
        for voter in now:
            self._voters.pop(voter, None)
            self._voters[voter] = None  # the last met stands last
        over = len(self._voters) - MAX_VOTERS
        if over <= 0:
            return ballot
        asked = frozenset(now)
        gold = {v: sum(self._book.gold(v, self._time)) for v in self._voters}
        ranks = {v: (v == OWN, v in asked, gold[v]) for v in self._voters}
        gone = frozenset(sorted(ranks, key=ranks.__getitem__)[:over])
        for voter in gone:
            del self._voters[voter]
            self._trust.pop(voter, None)
        for part in (self._book, self._copies, self._fallen, self._suspect):
            part.drop(gone)
        if gone.isdisjoint(asked):
            return ballot
        answers = {v: a for v, a in ballot.answers.items() if v not in gone}
        return replace(
            ballot, answers=answers, silent=ballot.silent - gone, unheard=ballot.unheard - gone
        )

    def _undiscounted(self, ballot: Ballot) -> dict[int, float]:
        self._meet(ballot)
        start = {v: self._mean(v, ballot.topic) for v in ballot.voters if v not in self._voters}
        means = self._means(ballot.topic) | start
        weights = {v: _vote_of(m) for v, m in means.items()}
        if any(weights[v] for v in ballot.answers):
            return weights
        return {v: math.inf if m > 0.5 else m / (1.0 - m) for v, m in means.items()}

    def _plain(self, topic: str) -> dict[int, float]:
        return {v: _vote_of(m) for v, m in self._means(topic).items()}

    def _means(self, topic: str) -> dict[int, float]:
        if topic not in self._known:
            self._known[topic] = {v: self._mean(v, topic) for v in self._voters}
        return self._known[topic]

    def _mean(self, voter: int, topic: str) -> float:
        """Return how reliable a voter is today: as ever, or as since it may have turned."""
        doubt = self._doubt(voter)
        long = self._long(voter, topic)
        alpha, beta = self.settings.prior
        since = alpha + beta + doubt.supported + doubt.contradicted
        return long + doubt.probability * min((alpha + doubt.supported) / since - long, 0.0)

    def _doubt(self, voter: int) -> Doubt:
        return self._fallen.doubt(voter, time=self._time)

    def _long(self, voter: int, topic: str) -> float:
        return self._book.mean(voter, self._time, topic, self._prior(voter))

    def _prior(self, voter: int) -> tuple[float, float]:
        """Where a voter starts; little of its record is left once it turned before our eyes."""
        alpha, beta = self.settings.prior
        supported, contradicted = self._records.get(voter, (0.0, 0.0))
        trust = self._trust.get(voter, 1.0)
        return alpha + trust * supported, beta + trust * contradicted

    def _apart(self, a: int, b: int) -> float:
        return 1.0 - self._copies.dependence(a, b) if self.settings.copies else 1.0

    def _together(
        self, voter: int, ballot: Ballot, right: Mapping[int, bool], usual: Mapping[int, float]
    ) -> float:
        """Return how many such mistakes a voter's mistake tells as much as.

        Others that made it too count by their weight beside the voter's, as gold alone would have
        it, and copies of it not at all: neither a record elsewhere nor users' words lend a mistake
        weight. The asker's own model is not framed so: anybody may know what it does not.
        """
        weight = _vote_of(usual[voter])
        if right[voter] or voter == OWN or not weight:
            return 1.0
        said = ballot.answers[voter]
        others = [v for v, a in ballot.answers.items() if a == said and not right[v]]
        return 1.0 + self.settings.joint * math.fsum(
            self._apart(voter, v) * min(self._vote_by_gold(v) / weight, 1.0)
            for v in others
            if v not in (voter, OWN)
        )

    def _vote_by_gold(self, voter: int) -> float:
        alpha, beta = self.settings.prior
        supported, contradicted = self._book.gold(voter, self._time)
        return _vote_of((alpha + supported) / (alpha + beta + supported + contradicted))

    def _enter(self, ledger: Ledger, found: Mapping[int, tuple[float, float]], topic: str) -> None:
        for voter, (supported, contradicted) in found.items():
            self._book.add(voter, ledger, supported, contradicted, self._time, topic)

    def _watch(
        self, usual: Mapping[int, float], found: Mapping[int, tuple[float, float]], part: float
    ) -> None:
        for voter, (supported, contradicted) in found.items():
            amounts = (part * supported, part * contradicted)
            if self._suspect.observe(voter, usual[voter], *amounts, time=self._time):
                self._fell(voter, SOFT)

    def _fell(self, voter: int, ledgers: Collection[Ledger] | None) -> None:
        """Let little of the past count: of these ledgers, or (None) of everything."""
        self._book.forget(voter, self.settings.keep, ledgers)
        if ledgers is not None and self.settings.head_start:
            self._fallen.suspect(voter, self.settings.head_start, time=self._time)
        self._alarmed(voter)

    def _alarmed(self, voter: int) -> None:
        self._last_alarm = self._time
        if len(self.alarms) < MAX_ALARMS:
            self.alarms.append((self._time, voter))


def _vote_of(mean: float) -> float:
    return max(log_odds(mean), 0.0)
