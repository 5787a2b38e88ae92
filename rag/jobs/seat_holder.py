"""A verifier: holds seats, recomputes what they are drawn for, seals, opens, moves jobs on."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth_account import Account

from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import ChainError, EvidenceUnavailable, InputError
from chainrep.node.job_reader import JobReader
from chainrep.protocol.ballot import Reveal, SealedBallot, commitment_of
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.inference_receipt import LeafOpening
from chainrep.protocol.job import Job
from chainrep.protocol.job_trail import Phase, Turn
from chainrep.protocol.typed_data import LedgerDomain
from rag.jobs.advancing import advance, taken
from rag.jobs.disclosure import load_disclosure
from rag.jobs.kept_files import KeptFiles
from rag.jobs.opinion import Opinion, abstain, form_opinion
from rag.jobs.provider_call import DISCLOSURE, ProviderCall
from rag.jobs.runner import RUN_FAILURES, Runner, reason_of
from rag.jobs.wire import bytes_in, dump_object, load_object

OVERLAP = 64
"""Blocks that are read again each time, should a reorganisation have changed them."""
_PROGRESS, _BALLOT = "progress.json", ".ballot"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen of the chain up to ``block``: own seats, and jobs that these were drawn for."""

    block: int
    seats: tuple[int, ...] = ()
    watched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatHolder:
    """One key's seats. A ballot is in ``files`` before its commitment leaves: it can be opened
    after a kill at any moment. ``providers`` are URLs by address."""

    jobs: VerificationJobs
    reader: JobReader
    runner: Runner
    files: KeptFiles
    providers: Mapping[str, str]
    key: bytes = field(repr=False)

    @property
    def address(self) -> str:
        """Who it is on the chain."""
        return str(Account.from_key(self.key).address)

    def take_seats(self, wanted: int) -> tuple[int, ...]:
        """Take seats until so many are held, and return them all."""
        seen = self._look()
        seats = tuple(seat for seat in seen.seats if not self.jobs.seat(seat).free_at)
        while len(seats) < wanted:
            seat, _ = self.jobs.take_seat(self.key)
            seats = (*seats, seat)
        self._remember(Watch(seen.block, seats, seen.watched))
        return seats

    def step(self) -> bool:
        """See who was drawn, and take every watched job one step further; whether anything was
        done. Raises ChainError where nothing can be read, and StoreError."""
        seen = self._look()
        moved, open_jobs = False, []
        for job_id in seen.watched:
            open_jobs.append(job_id)
            try:
                job = self.reader.read(job_id)
                if job.outcome is not None:
                    _log.info("job 0x%064x: %s", job_id, job.outcome.verdict.name.lower())
                    open_jobs.pop()
                    continue
                moved = self._tend(job, seen.seats) or moved
            except (ChainError, InputError) as error:  # of one job, or a server lags: tried again
                _log.warning("job 0x%064x: %s", job_id, error)
        self._remember(Watch(seen.block, seen.seats, tuple(open_jobs)))
        return moved

    @property
    def waiting(self) -> bool:
        """Whether a job is under way that one of the seats was drawn for."""
        return bool(self._recall().watched)

    def _tend(self, job: Job, seats: Sequence[int]) -> bool:
        moved = False
        if job.phase is Phase.DRAWN:
            now = self.jobs.client.now()
            for seat in set(job.drawn.panel) & set(seats):
                moved = self._vote(job, seat, now) or moved
        return moved or advance(self.jobs, job, self.key, self._patience)

    @property
    def _patience(self) -> int:
        """Seconds to leave a step to the provider; each seat's owner waits for another time."""
        most = max(self.jobs.rules.draw_time // 8, 1)
        return most // 2 + int(self.address, 16) % most

    def _vote(self, job: Job, seat: int, now: int) -> bool:
        place = job.drawn.panel.index(seat)
        is_sealed = place in {entry.place for entry in job.sealed}
        if not is_sealed and now < job.drawn.end:
            reveal = self._ballot(job, seat, now)
            if reveal is None:
                return False
            commitment = commitment_of(job.id, job.drawn.round, seat, reveal)
            ballot = SealedBallot(place, commitment, b"")
            return taken(lambda: self.jobs.seal(job, [ballot], self.key))
        shown = place in {entry.place for entry in job.opened}
        in_time = now < job.open_end(self.jobs.rules.open_time)
        if is_sealed and job.leaf is not None and not shown and in_time:
            return self._open(job, seat, place)
        return False

    def _open(self, job: Job, seat: int, place: int) -> bool:
        reveal, shown = self._kept(job, seat), job.leaf
        if reveal is None or shown is None:
            _log.error("job 0x%064x: a ballot of seat %d cannot be opened", job.id, seat)
            return False
        opening = LeafOpening(job.drawn.leaf, shown.content, shown.code, shown.siblings)
        done = taken(lambda: self.jobs.open(job, opening, {place: reveal}, self.key))
        if done:
            _log.info("job 0x%064x: ballot of seat %d opened", job.id, seat)
        return done

    def _ballot(self, job: Job, seat: int, now: int) -> Reveal | None:
        """The ballot of a seat, kept on the disk; None while what to seal cannot be known yet."""
        kept = self._kept(job, seat)
        if kept is not None:
            return kept
        opinion = self._opinion(job)
        if opinion is None:
            if job.drawn.end - now > self.jobs.rules.seal_time // 3:
                return None
            opinion = abstain("the provider shows nothing")
        reveal = Reveal(opinion.code, secrets.token_bytes(32))
        content = dump_object({"code": opinion.code.ljust(32, b"\0"), "salt": reveal.salt})
        self.files.put(_ballot_name(job, seat), content)
        _log.info(
            "job 0x%064x, round %d, leaf %d, seat %d: %s",
            job.id, job.drawn.round, job.drawn.leaf, seat, opinion.why,
        )  # fmt: skip
        return reveal

    def _opinion(self, job: Job) -> Opinion | None:
        try:
            content = self._call(job).fetch(job.id, DISCLOSURE)
            if content is None:
                return None
            shown = load_disclosure(content)
        except (EvidenceUnavailable, InputError) as error:
            _log.warning("job 0x%064x: %s", job.id, error)
            return None
        try:
            return form_opinion(self.runner, shown, job)
        except RUN_FAILURES as error:
            _log.error("job 0x%064x cannot be recomputed: %s", job.id, reason_of(error))
            return abstain("it cannot be recomputed here")

    def _call(self, job: Job) -> ProviderCall:
        url = self.providers.get(job.provider)
        if url is None:
            raise InputError(
                f"No URL is known of the provider {job.provider}.",
                "Name it with --provider ADDRESS=URL.",
            )
        domain = LedgerDomain(self.jobs.domain.chain_id, self.jobs.domain.contract)
        return ProviderCall(url, job.provider, domain, self.key)

    def _kept(self, job: Job, seat: int) -> Reveal | None:
        content = self.files.get(_ballot_name(job, seat))
        if content is None:
            return None
        fields = load_object(content)
        return Reveal(bytes_in(fields, "code", 32), bytes_in(fields, "salt", 32))

    def _look(self) -> Watch:
        """Read what is new on the chain; nothing is sent."""
        seen, head = self._recall(), self.reader.head()
        first = max(self.jobs.first_block, seen.block - OVERLAP)
        events = self.reader.news(first, head) if head >= first else ()
        seats = {*seen.seats, *_taken_seats(events, self.address)}
        drawn = {
            event.values["jobId"]
            for event in events
            if event.name == "PanelDrawn" and seats & set(Turn(event.values["turn"]).panel)
        }
        closed = {e.values["jobId"] for e in events if e.name == "JobClosed"}
        found = Watch(head, tuple(sorted(seats)), tuple(sorted({*seen.watched, *drawn} - closed)))
        if found != seen:
            self._remember(found)
        return found

    def _recall(self) -> Watch:
        content = self.files.get(_PROGRESS)
        if content is None:
            return Watch(self.jobs.first_block)
        found = json.loads(content)
        jobs = tuple(int(text, 16) for text in found["watched"])
        return Watch(found["block"], tuple(found["seats"]), jobs)

    def _remember(self, seen: Watch) -> None:
        watched = [f"0x{job:064x}" for job in seen.watched]
        content = {"block": seen.block, "seats": list(seen.seats), "watched": watched}
        self.files.put(_PROGRESS, json.dumps(content).encode())


def _taken_seats(events: Sequence[ChainEvent], owner: str) -> set[int]:
    return {
        event.values["seat"]
        for event in events
        if event.name == "SeatTaken" and event.values["owner"] == owner
    }


def _ballot_name(job: Job, seat: int) -> str:
    # The leaf too: after a reorganisation the same round may be about another one.
    return f"{job.id:064x}.{job.drawn.round}.{seat}.{job.drawn.leaf}{_BALLOT}"
