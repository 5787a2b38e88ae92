"""Verification jobs, as the contract keeps and decides them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrep.chain.binding import bind, call_to
from chainrep.chain.client import FAILED_IN_BLOCK, Receipt
from chainrep.chain.verifier_seats import Block, VerifierSeats
from chainrep.errors import CallRefused, FalseAnswer, InputError
from chainrep.protocol.ballot import Reveal, SealedBallot, code_word
from chainrep.protocol.inference_receipt import LeafOpening
from chainrep.protocol.job import Job
from chainrep.protocol.job_terms import (
    PLACES,
    Claim,
    Terms,
    condition_words,
    job_id,
)
from chainrep.protocol.job_trail import JobVerdict, Phase, Turn, Vote

DRAW_SPARE_GAS = 100_000
"""How many seats a draw looks at, 16 at most, depends on a value that no estimate knows."""
_NO_SALT = bytes(32)


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a drawn job's present round: who sealed, and what each place voted so far."""

    sealed: frozenset[int]
    votes: tuple[Vote, ...]
    opened: bool


class VerificationJobs(VerifierSeats):
    """Requesting, providing, voting and closing; every call's sender pays for it.

    Calls about a job take it as `chainrep.node.job_reader` rebuilds it. All raise ChainError, and
    CallRefused where the contract refuses.
    """

    def request(self, terms: Terms, private_key: bytes) -> tuple[int, Receipt]:
        """Request a job in the key's account's own name, and pay its cost; the job's id."""
        call = self.contract.functions.request(_terms(terms))
        receipt = self._call(call, private_key, terms.conditions.cost)
        return job_id(terms, self.domain), receipt

    def reclaim(self, terms: Terms, private_key: bytes) -> Receipt:
        """Give everything back to the requester of a job that nobody committed to in time."""
        return self._call(self.contract.functions.reclaim(_terms(terms)), private_key)

    def commit(self, terms: Terms, claim: Claim, private_key: bytes) -> Receipt:
        """Bind the key's account to a receipt, with the bond that the terms name."""
        call = self.contract.functions.commit(_terms(terms), _claim(claim))
        return self._call(call, private_key, terms.conditions.bond)

    def draw(self, job: Job, private_key: bytes) -> Receipt:
        """Draw panel and leaf; CallRefused (RoundNotReached, NobodyToSit) may pass in a block."""
        call = call_to(self.contract.functions.draw(*_bound(job)))
        return self._send(dict(call) | {"spareGas": DRAW_SPARE_GAS}, private_key)

    def seal(self, job: Job, ballots: Sequence[SealedBallot], private_key: bytes) -> Receipt:
        """Carry sealed ballots of the present round."""
        owners, word = self.owners(job.drawn), job.drawn.word
        brought = [
            (ballot.place, ballot.commitment, *_halves(ballot.signature)) for ballot in ballots
        ]
        function = self.contract.functions.seal
        return self._call(function(job.id, job.frame, word, job.seed, owners, brought), private_key)

    def open(
        self, job: Job, opening: LeafOpening, reveals: Mapping[int, Reveal], private_key: bytes
    ) -> Receipt:
        """Show the drawn leaf, and the ballots of these places; the others stay sealed.

        Raises InputError for a place that did not seal.
        """
        if not set(reveals) <= {entry.place for entry in job.sealed}:
            raise InputError("A ballot can be opened only where one was sealed.")
        ballots = [
            (entry.place, code_word(reveals[entry.place].code), reveals[entry.place].salt)
            if entry.place in reveals
            else (entry.place, entry.commitment, _NO_SALT)
            for entry in job.sealed
        ]
        leaf = (opening.content, code_word(opening.code), list(opening.siblings))
        call = self.contract.functions.open(*_bound(job), leaf, ballots)
        return self._call(call, private_key)

    def time_out(self, job: Job, private_key: bytes) -> Receipt:
        """End a step whose time is over: no draw came, or somebody did not open."""
        return self._call(self.contract.functions.timeOut(*_bound(job)), private_key)

    def appeal(self, job: Job, private_key: bytes) -> Receipt:
        """Appeal the provisional verdict, with what `Conditions.appeal_cost` says."""
        call = self.contract.functions.appeal(*_bound(job))
        return self._call(call, private_key, job.terms.conditions.appeal_cost)

    def finalize(self, job: Job, private_key: bytes) -> Receipt:
        """Close a job whose verdict can no longer be appealed; only this moves money."""
        return self._call(self.contract.functions.finalize(*_bound(job)), private_key)

    def phase(self, job: int, block: Block = "latest") -> Phase:
        """Where a job is; FalseAnswer for a phase that there is not."""
        found = self._read(self.contract.functions.phaseOf(job), block)
        if found not in set(Phase):
            raise FalseAnswer(f"Job 0x{job:064x} is in phase {found}, which there is not.")
        return Phase(found)

    def outcome(self, job: int, block: Block = "latest") -> tuple[JobVerdict, str, int, int]:
        """The terminal verdict, the provider, the matches and mismatches; zeros before."""
        verdict, provider, matches, mismatches = self._read(
            self.contract.functions.verdictOf(job), block
        )
        if verdict not in set(JobVerdict):
            raise FalseAnswer(f"Job 0x{job:064x} has verdict {verdict}, which there is not.")
        return JobVerdict(verdict), str(provider), int(matches), int(mismatches)

    def progress(self, job: int, block: Block = "latest") -> Progress:
        """How far a drawn job's present round is; CallRefused for one that is not drawn."""
        places, votes, opened = self._read(self.contract.functions.progressOf(job), block)
        return Progress(
            frozenset(place for place in range(PLACES) if places >> place & 1),
            tuple(Vote(votes >> 2 * place & 3) for place in range(PLACES)),
            bool(opened),
        )

    def takes(self, job: Job, block: Block = "latest") -> bool:
        """Whether the contract is bound to just this deal and trail, in just this phase.

        Nothing is sent: the server is asked what a call would do whose first check that is.
        """
        functions = self.contract.functions
        end = functions.finalize if job.phase is Phase.JUDGED else functions.timeOut
        try:
            self._read(end(*_bound(job)), block)
        except CallRefused as refusal:
            if refusal.name in {"JobMismatch", "JobNotIn"}:
                return False
            if refusal.name not in {"TooEarly", "TooLate"}:
                raise
        return True

    def beacon_ready(self, turn: Turn) -> bool:
        """Whether the value from which a turn's panel is drawn is known in the newest block.

        A local chain that makes blocks for transactions only must be sent one meanwhile.
        """
        beacon = bind(self.client, "PrevrandaoBeacon", self.rules.beacon)
        try:
            self._read(beacon.functions.value(turn.beacon_round))
        except CallRefused as refusal:
            if refusal.name != "RoundNotReached":
                raise
            return False
        return True


def overtaken(refusal: CallRefused) -> bool:
    """Whether a call was refused because the job has moved on: somebody else was faster.

    That may be found out in the block only, and costs the call's gas.
    """
    return refusal.name in {
        FAILED_IN_BLOCK, "JobNotIn", "JobMismatch", "BallotsMismatch", "PlaceInvalid", "TooEarly",
        "TooLate",
    }  # fmt: skip


def _bound(job: Job) -> tuple[int, Any, Any]:
    """The job's id, deal and trail, which most calls bring."""
    deal, trail = job.deal, job.trail
    past = [found.word for found in trail.past]
    brought = (condition_words(deal.conditions), _claim(deal.claim))
    return job.id, brought, (trail.appellant, trail.turn.word, past)


def _terms(terms: Terms) -> tuple[Any, ...]:
    digests = (terms.spec, terms.prompt_digest, terms.seed_commit)
    return (condition_words(terms.conditions), terms.commit_by, *digests)


def _claim(claim: Claim) -> tuple[bytes, bytes, int]:
    return claim.root, claim.header, claim.leaf_count


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    return (signature[:32], signature[32:]) if signature else (bytes(32), bytes(32))
