"""A verification job as its events tell it, with all that callers of the contract must bring.

The contract keeps a hash of it only. `follow` checks that the events fit together; whether they are
the contract's is found by asking it (`chainrep.node.job_reader`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrep.errors import InputError
from chainrep.protocol.ballot import DISAGREE, NO_CODE, Reveal, commitment_of
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.job_terms import (
    Claim,
    Deal,
    JobDomain,
    Terms,
    job_id,
    read_conditions,
)
from chainrep.protocol.job_trail import (
    NOBODY,
    JobVerdict,
    Phase,
    Round,
    Trail,
    Turn,
    Vote,
    frame_of,
    is_of,
    judge,
    tally,
)
from chainrep.protocol.receipt_tree import leaf_hash, leaf_proven


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the seat at a place of the panel committed to (32 bytes)."""

    place: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class OpenedLeaf:
    """The drawn leaf as it was shown: salted digest of its tokens, its code, and the siblings that
    prove it."""

    content: bytes
    code: bytes
    siblings: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OpenedBallot:
    """The code that the seat at a place had sealed, what it counts as, and its distance in bits
    from the provider's."""

    place: int
    vote: Vote
    distance: int
    code: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended, by how many votes, and who was owed what for it, in wei."""

    verdict: JobVerdict
    matches: int = 0
    mismatches: int = 0
    to_provider: int = 0
    to_requester: int = 0
    to_appellant: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """``block`` is the one of its request. ``sealed``, in the order of the sealing, ``leaf`` and
    ``opened`` are of the present round; ``claim`` and ``turn`` are there once somebody committed,
    ``seed`` (32 bytes) once a panel was drawn, ``outcome`` once it is closed.
    """

    id: int
    block: int
    terms: Terms
    phase: Phase = Phase.REQUESTED
    provider: str = NOBODY
    claim: Claim | None = None
    turn: Turn | None = None
    seed: bytes = b""
    past: tuple[Round, ...] = ()
    appellant: str = NOBODY
    sealed: tuple[Sealed, ...] = ()
    leaf: OpenedLeaf | None = None
    opened: tuple[OpenedBallot, ...] = ()
    outcome: Outcome | None = None

    @property
    def deal(self) -> Deal:
        """Conditions with the provider in them, and claim; InputError before there is one."""
        if self.claim is None:
            raise InputError("Nobody has committed to this job.")
        return Deal(replace(self.terms.conditions, provider=self.provider), self.claim)

    @property
    def trail(self) -> Trail:
        """What it has been through; InputError before somebody committed."""
        return Trail(self.appellant, self.drawn, self.past)

    @property
    def drawn(self) -> Turn:
        """The present turn; InputError before somebody committed."""
        if self.turn is None:
            raise InputError("Nobody has committed to this job.")
        return self.turn

    def open_end(self, open_time: int) -> int:
        """Until when the leaf can be opened, or once it was, the ballots (Unix s)."""
        return self.drawn.end + (open_time if self.leaf is None else 2 * open_time)

    @property
    def frame(self) -> bytes:
        """What ballots are sealed with; InputError before somebody committed."""
        return frame_of(self.id, self.deal, self.appellant, self.past)

    @property
    def standing(self) -> JobVerdict:
        """What the finished rounds come to: its verdict, if nothing more were to happen."""
        return judge(self.terms.conditions, self.past)


def follow(events: Sequence[ChainEvent], domain: JobDomain) -> Job:
    """The job that these are all events of, in order, so far; raise InputError where they are not.

    That is too where the terms do not hash to its id, or its verdict does not follow from its
    rounds.
    """
    if not events or events[0].name != "JobRequested":
        raise InputError("A job begins with the event of its request.")
    job = _requested(events[0], domain)
    for event in events[1:]:
        step = _STEPS.get(event.name)
        if step is None or job.phase not in step[0] or event.values["jobId"] != job.id:
            raise InputError(f"The event {event.name} cannot come where job 0x{job.id:064x} was.")
        job = step[1](job, event.values)
    return job


def _requested(event: ChainEvent, domain: JobDomain) -> Job:
    conditions, commit_by, *digests = event.values["terms"]
    terms = Terms(read_conditions(*conditions), commit_by, *digests)
    if job_id(terms, domain) != event.values["jobId"]:
        raise InputError("The terms of a job do not hash to its id.")
    return Job(event.values["jobId"], event.block, terms)


def _reclaimed(job: Job, _: Mapping[str, Any]) -> Job:
    return replace(job, phase=Phase.CLOSED, outcome=Outcome(JobVerdict.NONE))


def _committed(job: Job, values: Mapping[str, Any]) -> Job:
    claim = Claim(*values["claim"])
    turn = Turn(values["turn"])
    return replace(job, phase=Phase.COMMITTED, provider=values["provider"], claim=claim, turn=turn)


def _drawn(job: Job, values: Mapping[str, Any]) -> Job:
    turn = Turn(values["turn"])
    if turn.round != len(job.past) or not turn.panel:
        raise InputError(f"A panel was drawn for round {turn.round}, after {len(job.past)}.")
    return replace(job, phase=Phase.DRAWN, turn=turn, seed=values["seed"])


def _sealed(job: Job, values: Mapping[str, Any]) -> Job:
    places = [values["places"] >> 8 * i & 0xFF for i in range(len(values["commitments"]))]
    sealed = (*job.sealed, *map(Sealed, places, values["commitments"]))
    taken = {entry.place for entry in sealed}
    if not len(sealed) == len(taken) <= len(job.drawn.panel) > max(taken, default=0):
        raise InputError("A place that is empty, or had sealed, cannot have sealed a ballot.")
    if job.leaf is not None:
        raise InputError("A ballot cannot have been sealed once the leaf was opened.")
    return replace(job, sealed=sealed)


def _leaf_opened(job: Job, values: Mapping[str, Any]) -> Job:
    content, code, siblings = values["opening"]
    leaf = OpenedLeaf(content, code, tuple(siblings))
    claim, place = job.deal.claim, job.drawn.leaf
    hashed = leaf_hash(claim.header, place, content, code)
    if not leaf_proven(claim.root, hashed, place, claim.leaf_count, leaf.siblings):
        raise InputError("A leaf that is not the drawn one's cannot have been opened.")
    if job.leaf not in {None, leaf} or len(values["ballots"]) != len(job.sealed):
        raise InputError("A leaf was opened in two ways, or not with all ballots.")
    opened = list(job.opened)
    known = {ballot.place for ballot in opened}
    for entry, (place, code, salt) in zip(job.sealed, values["ballots"], strict=True):
        commitment = code
        if any(salt):
            seat = job.drawn.panel[entry.place]
            commitment = commitment_of(job.id, job.drawn.round, seat, Reveal(code, salt))
        if (place, commitment) != (entry.place, entry.commitment):
            raise InputError(f"Place {place} cannot have opened this ballot.")
        if any(salt) and place not in known:
            opened.append(_count(place, leaf.code, code, job.terms.conditions.threshold))
    return replace(job, leaf=leaf, opened=tuple(opened))


def _count(place: int, code: bytes, own: bytes, threshold: int) -> OpenedBallot:
    distance = (int.from_bytes(code) ^ int.from_bytes(own)).bit_count()
    vote = Vote.MISMATCH if distance > threshold or own == DISAGREE else Vote.MATCH
    return OpenedBallot(place, Vote.ABSTAINED if own == NO_CODE else vote, distance, own)


def _round_ended(job: Job, values: Mapping[str, Any]) -> Job:
    ended, phase = Round(values["round"]), values["phase"]
    if job.phase is Phase.DRAWN:
        fits = is_of(ended, job.drawn) and ended.votes == _votes(job, ended.withheld)
    else:
        fits = ended == Round(0)
    if not fits:
        raise InputError("A round ended that was not drawn, or did not vote, so.")
    if phase not in {Phase.COMMITTED, Phase.JUDGED}:
        raise InputError("After a round comes a draw, or a verdict.")
    past, turn = (*job.past, ended), Turn(values["turn"])
    rest: Mapping[str, Any] = {"sealed": (), "leaf": None, "opened": ()}
    return replace(job, phase=Phase(phase), turn=turn, past=past, **rest)


def _votes(job: Job, withheld: bool) -> tuple[Vote, ...] | None:
    """What each place voted; where the leaf was withheld, all that sealed say mismatch."""
    if withheld != (bool(job.sealed) and job.leaf is None):
        return None
    votes = {ballot.place: ballot.vote for ballot in job.opened}
    if withheld:
        votes = dict.fromkeys((entry.place for entry in job.sealed), Vote.MISMATCH)
    return tuple(votes.get(place, Vote.LAPSED) for place in range(len(job.drawn.panel)))


def _appealed(job: Job, values: Mapping[str, Any]) -> Job:
    if job.appellant != NOBODY:
        raise InputError("A job was appealed twice.")
    turn = Turn(values["turn"])
    return replace(job, phase=Phase.COMMITTED, appellant=values["appellant"], turn=turn)


def _closed(job: Job, values: Mapping[str, Any]) -> Job:
    if (values["verdict"], values["provider"]) != (job.standing, job.provider):
        raise InputError("A job's verdict does not follow from its rounds.")
    shares = (values["toProvider"], values["toRequester"], values["toAppellant"])
    return replace(
        job, phase=Phase.CLOSED, outcome=Outcome(job.standing, *tally(job.past), *shares)
    )


_Step = Callable[[Job, Mapping[str, Any]], Job]
_STEPS: Mapping[str, tuple[frozenset[Phase], _Step]] = {
    "JobReclaimed": (frozenset({Phase.REQUESTED}), _reclaimed),
    "JobCommitted": (frozenset({Phase.REQUESTED}), _committed),
    "PanelDrawn": (frozenset({Phase.COMMITTED}), _drawn),
    "BallotsSealed": (frozenset({Phase.DRAWN}), _sealed),
    "LeafOpened": (frozenset({Phase.DRAWN}), _leaf_opened),
    "RoundEnded": (frozenset({Phase.COMMITTED, Phase.DRAWN}), _round_ended),
    "JobAppealed": (frozenset({Phase.JUDGED}), _appealed),
    "JobClosed": (frozenset({Phase.JUDGED}), _closed),
}
"""Where a job must be for each event, and what becomes of it."""
