"""A provider: takes orders, runs the model, commits, and sees each job through to its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from eth_account import Account

from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import ChainError, InputError, NotAuthorized
from chainrep.node.job_reader import JobReader
from chainrep.protocol.inference_receipt import LeafOpening, open_leaf
from chainrep.protocol.job import Job
from chainrep.protocol.job_terms import ANYONE, claim_of, job_word
from chainrep.protocol.job_trail import Phase
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_file import ReceiptFile, dump_receipt, load_receipt
from chainrep.protocol.transcript import Transcript, seed_commit
from rag.jobs.advancing import advance, can_open, taken
from rag.jobs.disclosure import Disclosure, dump_disclosure
from rag.jobs.kept_files import KeptFiles
from rag.jobs.offer import Offer
from rag.jobs.order import Order, dump_order, load_order
from rag.jobs.provider_call import ANSWER, DISCLOSURE
from rag.jobs.runner import RUN_FAILURES, Runner, reason_of
from rag.lsh.honest_runs import MEASURED, is_measured

COMMIT_SECONDS = 10
"""An order that leaves less time than this to commit is not begun."""
_ORDER, _RECEIPT = ".order", ".receipt"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prices:
    """``least`` is the lowest price taken, ``most_bond`` what is put up at most, both in wei."""

    least: int = 0
    most_bond: int = 10**20
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Provider:
    """One key's jobs. Orders and receipts are in ``files`` before anything depends on them.

    `accept` and `show` may be called from any thread; `step` from one.
    """

    jobs: VerificationJobs
    reader: JobReader
    runner: Runner
    files: KeptFiles
    prices: Prices
    key: bytes = field(repr=False)

    @property
    def address(self) -> str:
        """Who it is on the chain."""
        return address_of(self.key)

    @property
    def offer(self) -> Offer:
        """What it tells everybody."""
        return Offer(
            self.address,
            self.runner.spec,
            self.runner.setting,
            keccak(self.runner.calibration.canonical()),
            self.prices.max_tokens,
            self.prices.least,
            self.prices.most_bond,
            self.runner.threshold,
        )

    def accept(self, job_id: int, order: Order, requester: str) -> None:
        """Keep an order; raise InputError where it is not what the terms on the chain ask for, and
        NotAuthorized where somebody else than the job's requester brings it."""
        if self.jobs.phase(job_id) is Phase.NONE:  # one call: a stranger's guess costs no more
            raise InputError(f"There is no job 0x{job_id:064x}.")
        job = self.reader.read(job_id)
        if job.terms.conditions.requester != requester:
            raise NotAuthorized("Only the requester of a job can order it.")
        if self.files.get(_name(job_id, _ORDER)) is not None:
            return
        for refused in self._refusals(job, order):
            raise InputError(refused)
        self.files.put(_name(job_id, _ORDER), dump_order(order))
        _log.info("order taken for job 0x%064x", job_id)

    def show(self, job_id: int, part: str, asker: str) -> bytes | None:
        """What a job's requester or one of its drawn seats may see; None while there is nothing.

        Raises NotAuthorized for anybody else.
        """
        content = self.files.get(_name(job_id, _RECEIPT))
        if content is None:
            return None
        job = self.reader.read(job_id)
        kept = load_receipt(content)
        if job.claim != claim_of(kept.receipt) or job.provider != self.address:
            return None  # not committed yet
        if part == ANSWER and asker == job.terms.conditions.requester:
            return content
        if asker not in self._seat_owners(job):
            raise NotAuthorized("Only the requester, and seats that were drawn, see a job.")
        if part == DISCLOSURE:
            return self._disclosure(job_id, kept)
        return None

    def step(self) -> bool:
        """Take every job one step further if its time has come; whether anything was done."""
        moved = False
        for name in self.files.names(_ORDER):
            job_id = int(name.removesuffix(_ORDER), 16)
            try:
                moved = self._tend(self.reader.read(job_id)) or moved
            except (ChainError, InputError) as error:  # of one job, or a server lags: tried again
                _log.warning("job 0x%064x: %s", job_id, error)
        return moved

    @property
    def waiting(self) -> bool:
        """Whether a job is under way."""
        return bool(self.files.names(_ORDER))

    def _tend(self, job: Job) -> bool:
        if job.phase is Phase.REQUESTED:
            return self._commit(job)
        if job.phase is Phase.CLOSED or job.provider != self.address:
            return self._close(job)
        if (
            job.phase is Phase.DRAWN
            and job.leaf is None
            and job.sealed
            and can_open(job, self.jobs.client.now())
        ):
            opening = self._opening(job, self._kept(job.id))
            return taken(lambda: self.jobs.open(job, opening, {}, self.key))
        return advance(self.jobs, job, self.key)

    def _commit(self, job: Job) -> bool:
        left = job.terms.commit_by - self.jobs.client.now()
        content = self.files.get(_name(job.id, _RECEIPT))
        if left <= (0 if content else COMMIT_SECONDS):
            _log.warning("job 0x%064x: too late to commit", job.id)
            self.files.drop(_name(job.id, _ORDER))
            return True
        if content is None:
            try:
                made = self.runner.answer(self._order(job.id), job_word(job.id), self.key)
            except RUN_FAILURES as error:
                _log.error("job 0x%064x cannot be run: %s", job.id, reason_of(error))
                self.files.drop(_name(job.id, _ORDER))
                return True
            content = dump_receipt(*made)
            self.files.put(_name(job.id, _RECEIPT), content)
        claim = claim_of(load_receipt(content).receipt)
        done = taken(lambda: self.jobs.commit(job.terms, claim, self.key))
        if done:
            _log.info("committed to job 0x%064x, %d leaves", job.id, claim.leaf_count)
        return done

    def _close(self, job: Job) -> bool:
        if self.jobs.owed(self.address):
            self.jobs.withdraw(self.address, self.key)
        self.files.drop(_name(job.id, _ORDER))
        if job.outcome is not None:
            _log.info("job 0x%064x closed: %s", job.id, job.outcome.verdict.name.lower())
        return True

    def _opening(self, job: Job, kept: ReceiptFile) -> LeafOpening:
        return open_leaf(kept.receipt, _transcript(kept).contents, job.drawn.leaf)

    def _disclosure(self, job_id: int, kept: ReceiptFile) -> bytes | None:
        order = self.files.get(_name(job_id, _ORDER))
        if order is None:
            return None
        decode = load_order(order).decode
        header = kept.receipt.header
        return dump_disclosure(
            Disclosure(self.runner.spec, decode, self.runner.setting, header, _transcript(kept))
        )

    def _refusals(self, job: Job, order: Order) -> list[str]:
        terms, conditions = job.terms, job.terms.conditions
        words = Transcript(order.salt, order.prompt, order.prompt)
        length = len(order.prompt) + order.decode.max_tokens
        model = self.runner.model
        checks = {
            "The job is not open for a commitment.": job.phase is Phase.REQUESTED,
            "The job is for another provider.": conditions.provider in {ANYONE, self.address},
            "The price is too low.": conditions.price >= self.prices.least,
            "The bond is too high.": conditions.bond <= self.prices.most_bond,
            "Honest leaves may differ by more than the threshold.": (
                conditions.threshold >= self.runner.threshold
            ),
            "The terms ask for another model, decoding or calibration.": (
                terms.spec == self.runner.promise(order.decode).digest
            ),
            "The prompt is not that of the terms.": terms.prompt_digest == words.prompt_digest,
            "The salt is not that of the terms.": terms.seed_commit == seed_commit(order.salt),
            MEASURED: is_measured(order.decode),
            "The answer may be longer than this provider writes.": (
                order.decode.max_tokens <= self.prices.max_tokens and length <= model.context
            ),
            "The prompt has a token that the model does not know.": (
                max(order.prompt) < model.vocabulary
            ),
            "An answer that ends elsewhere than the model's own ends is not written here.": (
                order.decode.end_tokens == model.end_tokens
            ),
        }
        return [refused for refused, fine in checks.items() if not fine]

    def _seat_owners(self, job: Job) -> set[str]:
        seats = {seat for found in job.past for seat in found.panel}
        if job.phase is Phase.DRAWN:
            seats |= set(job.drawn.panel)
        return {self.jobs.seat(seat).owner for seat in seats}

    def _kept(self, job_id: int) -> ReceiptFile:
        content = self.files.get(_name(job_id, _RECEIPT))
        if content is None:
            raise InputError(
                f"The receipt of job 0x{job_id:064x} is gone from {self.files.folder}."
            )
        return load_receipt(content)

    def _order(self, job_id: int) -> Order:
        content = self.files.get(_name(job_id, _ORDER))
        if content is None:
            raise InputError(f"The order of job 0x{job_id:064x} is gone from {self.files.folder}.")
        return load_order(content)


def _transcript(kept: ReceiptFile) -> Transcript:
    if kept.transcript is None:
        raise InputError("A receipt kept here has no transcript.")
    return kept.transcript


def _name(job_id: int, suffix: str) -> str:
    return f"{job_id:064x}{suffix}"


def address_of(private_key: bytes) -> str:
    """The checksummed address of a key."""
    return str(Account.from_key(private_key).address)
