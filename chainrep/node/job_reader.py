"""Verification jobs rebuilt from the contract's events, and compared with what the contract says.

The contract keeps a hash of a job, its callers bring the rest. So whoever takes part in a job reads
it from here before each step. A log that a server leaves out, adds or changes shows as a job that
the contract does not take.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrep.chain.event_log import head_number, logged_events
from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import FalseAnswer, InputError
from chainrep.node.log_ranges import read_ranges
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.job import Job, follow
from chainrep.protocol.job_terms import PLACES, job_word
from chainrep.protocol.job_trail import JobVerdict, Phase, Vote, salt_of

MAX_EVENTS = 20_000
"""Of one job. Eight rounds are 70, but anybody can pay to open again what is open."""
_ELSEWHERE = "Give another URL with --rpc if it comes back."


class JobReader:
    """Reads jobs of one contract as of the newest block with so many ``confirmations``.

    1 is the newest block itself.
    """

    def __init__(self, jobs: VerificationJobs, confirmations: int = 1) -> None:
        self._jobs = jobs
        self._client = jobs.client
        self._contracts = {"VerificationJobs": jobs.contract.address}
        self._confirmations = confirmations
        self._requested: dict[int, int] = {}

    def head(self) -> int:
        """The newest block that counts."""
        return max(0, head_number(self._client) - (self._confirmations - 1))

    def read(self, job: int) -> Job:
        """A job as it was at the end of that block; raise ChainError.

        Raises InputError where there is no such job, and FalseAnswer where its events do not fit
        together, or to what the contract says.
        """
        known = self._requested.pop(job, None)
        try:
            found = self._read(job, self._jobs.first_block if known is None else known)
        except FalseAnswer:
            if known is None:
                raise
            found = self._read(job, self._jobs.first_block)  # a reorganization moved its request
        self._requested[job] = found.block
        return found

    def news(self, first: int, last: int) -> Sequence[ChainEvent]:
        """Every event of the contract from one block to another, in order: what is asked for, and
        who was drawn. Believe none of it before the job was `read`."""
        events = self._in_ranges(first, last, None, None)
        for event in events:
            if event.name == "JobRequested":
                self._requested.setdefault(event.values["jobId"], event.block)
        return events

    def _read(self, job: int, first: int) -> Job:
        block = self.head()
        events = self._in_ranges(first, block, job_word(job), MAX_EVENTS)
        phase = self._jobs.phase(job, block)
        if not events and phase is Phase.NONE:
            raise InputError(f"There is no job 0x{job:064x} at {self._jobs.contract.address}.")
        try:
            found = follow(events, self._jobs.domain)
        except InputError as error:
            raise FalseAnswer(error.summary, _ELSEWHERE) from error
        if found.phase is not phase or not self._fits(found, block):
            raise FalseAnswer(
                f"The events of job 0x{job:064x} are not those that the contract is bound to.",
                _ELSEWHERE,
            )
        return found

    def _in_ranges(
        self, first: int, last: int, subject: bytes | None, limit: int | None
    ) -> Sequence[ChainEvent]:
        def read(start: int, end: int) -> Sequence[ChainEvent]:
            found = logged_events(self._client, self._contracts, start, end, subject)
            return [logged.event for logged in found]

        events = list[ChainEvent]()
        for _, found in read_ranges(read, first, last):
            events += found
            if limit is not None and len(events) > limit:
                raise FalseAnswer(f"A job has at most {limit} events.", _ELSEWHERE)
        return events

    def _fits(self, job: Job, block: int) -> bool:
        """Whether the contract is bound to this job, or has closed it so."""
        if job.phase is Phase.REQUESTED:
            return True  # the terms hash to the id, and there is nothing else yet
        if job.outcome is not None:
            outcome = job.outcome
            votes = (outcome.matches, outcome.mismatches)
            closed = (outcome.verdict, job.provider, *votes)
            found = self._jobs.outcome(job.id, block)
            return found == (closed if job.claim else (JobVerdict.NONE, job.provider, 0, 0))
        if not self._jobs.takes(job, block):
            return False
        return job.phase is not Phase.DRAWN or self._progress_fits(job, block)

    def _progress_fits(self, job: Job, block: int) -> bool:
        progress = self._jobs.progress(job.id, block)
        votes = {ballot.place: ballot.vote for ballot in job.opened}
        return (
            progress.sealed == {entry.place for entry in job.sealed}
            and progress.opened == (job.leaf is not None)
            and job.drawn.salt == salt_of(job.seed, self._jobs.owners(job.drawn))
            and progress.votes == tuple(votes.get(p, Vote.LAPSED) for p in range(PLACES))
        )
