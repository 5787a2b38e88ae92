"""A requester: fixes terms and salt, pays, hands over the prompt, and checks what comes back."""

from __future__ import annotations

import secrets
from dataclasses import astuple, dataclass, field

from eth_account import Account

from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import EvidenceUnavailable, InputError
from chainrep.node.job_reader import JobReader
from chainrep.protocol.job import Job
from chainrep.protocol.job_terms import (
    Conditions,
    Terms,
    claim_of,
    job_id,
    job_word,
)
from chainrep.protocol.job_trail import Phase
from chainrep.protocol.receipt_file import ReceiptFile, load_receipt
from chainrep.protocol.transcript import Transcript, seed_commit
from chainrep.protocol.typed_data import LedgerDomain
from rag.jobs.advancing import taken
from rag.jobs.kept_files import KeptFiles
from rag.jobs.offer import Offer, load_offer
from rag.jobs.order import Order, dump_order, load_order
from rag.jobs.provider_call import ANSWER, ProviderCall
from rag.jobs.runner import thresholds_of
from rag.jobs.wire import bytes_in, dump_object, load_object
from rag.lsh.calibration import Calibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.receipts import Promise, length_flaw, promise_of, receipt_flaws

_REQUEST = ".request"


@dataclass(frozen=True, slots=True)
class Deal:
    """How much is paid and risked, in wei, and how it is decided."""

    price: int
    bond: int
    fee: int
    panel: int = 3
    rounds: int = 3
    accept_lead: int = 2
    reject_lead: int = 2
    commit_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Request:
    """What must not be lost between paying and the answer: one file per job."""

    terms: Terms
    order: Order
    promise: Promise
    url: str


@dataclass(frozen=True, slots=True)
class Requester:
    """One key's requests, kept in ``files`` before anything is paid."""

    jobs: VerificationJobs
    reader: JobReader
    files: KeptFiles
    key: bytes = field(repr=False)

    @property
    def address(self) -> str:
        """Who it is on the chain."""
        return str(Account.from_key(self.key).address)

    def call(self, url: str, provider: str) -> ProviderCall:
        """Requests to a provider in the key's name; raise InputError for no URL."""
        domain = LedgerDomain(self.jobs.domain.chain_id, self.jobs.domain.contract)
        return ProviderCall(url, provider, domain, self.key)

    def offer(self, url: str, provider: str) -> Offer:
        """What the provider says of itself; raise EvidenceUnavailable, and InputError where it is
        another provider's or nonsense."""
        found = load_offer(self.call(url, provider).offer())
        if found.provider != provider:
            raise InputError(f"At this URL answers {found.provider}, not {provider}.")
        return found

    def draft(
        self,
        url: str,
        offer: Offer,
        prompt: tuple[int, ...],
        decode: DecodeSpec,
        calibration: Calibration,
        deal: Deal,
    ) -> int:
        """Draw a salt, fix the terms, keep both, and return the job's id; nothing is sent.

        The threshold is the calibration's, never the provider's. Raises InputError where the offer
        does not go with the calibration or the deal.
        """
        promise = promise_of(offer.model, decode, calibration)
        limits = thresholds_of(calibration, offer.setting)
        if offer.calibration_id != promise.calibration_id or not limits:
            raise InputError(
                "The provider works with another calibration, or in a setting that this one does"
                " not know.",
                "Take the calibration that it publishes, if you trust who made it.",
            )
        if deal.price < offer.price or deal.bond > offer.bond:
            raise InputError(
                f"The provider asks for at least {offer.price:,} wei and puts up at most"
                f" {offer.bond:,}.",
                "Raise --price, or lower --bond.",
            )
        salt = secrets.token_bytes(32)
        conditions = Conditions(
            self.address, offer.provider, deal.price, deal.bond, deal.fee, max(limits),
            deal.panel, deal.rounds, deal.accept_lead, deal.reject_lead,
        )  # fmt: skip
        terms = Terms(
            conditions,
            self.jobs.client.now() + deal.commit_seconds,
            promise.digest,
            Transcript(salt, prompt, prompt).prompt_digest,
            seed_commit(salt),
        )
        order = Order(salt, prompt, decode)
        found = Request(terms, order, promise, url)
        number = job_id(terms, self.jobs.domain)
        self.files.put(_name(number), _dump(found))
        return number

    def recall(self, number: int) -> Request:
        """What was kept of a request; raise InputError where nothing was."""
        content = self.files.get(_name(number))
        if content is None:
            raise InputError(
                f"No request for job 0x{number:064x} was made from {self.files.folder}.",
                "Use the home folder that it was made from.",
            )
        return _load(content)

    def pay(self, number: int) -> None:
        """Put the job on the chain, unless it is there."""
        if self.jobs.phase(number) is Phase.NONE:
            self.jobs.request(self.recall(number).terms, self.key)

    def hand_over(self, number: int) -> None:
        """Give the provider prompt and salt; raise EvidenceUnavailable where it does not take
        them now."""
        kept = self.recall(number)
        self._call_of(kept).order(number, dump_order(kept.order))

    def answer(self, number: int) -> tuple[bytes, ReceiptFile] | None:
        """The receipt with its transcript, once the provider committed to it; None until then.

        Raises EvidenceUnavailable where the provider shows something else than it committed to, or
        nothing that is a receipt.
        """
        kept = self.recall(number)
        content = self._call_of(kept).fetch(number, ANSWER)
        if content is None:
            return None
        try:
            found = load_receipt(content)
            flaws = self._flaws(kept, found, self.reader.read(number))
        except InputError as error:
            raise EvidenceUnavailable(
                f"What the provider shows cannot be checked. {error.summary}"
            ) from error
        if flaws:
            raise EvidenceUnavailable(f"The provider's receipt is not sound. {' '.join(flaws)}")
        return content, found

    def reclaim(self, number: int) -> bool:
        """Take the money back of a job that nobody committed to in time; whether that was so."""
        terms = self.recall(number).terms
        if self.jobs.client.now() < terms.commit_by:
            return False
        if self.jobs.phase(number) is not Phase.REQUESTED:
            return False
        return taken(lambda: self.jobs.reclaim(terms, self.key))

    def _flaws(self, kept: Request, found: ReceiptFile, job: Job) -> list[str]:
        words, decode = found.transcript, kept.order.decode
        if words is None or job.claim != claim_of(found.receipt):
            return ["It is not what the provider committed to."]
        provider = kept.terms.conditions.provider
        flaws = receipt_flaws(found.receipt, words, kept.promise, job_word(job.id), provider)
        if words.prompt != kept.order.prompt or words.salt != kept.order.salt:
            flaws.append("It is about another prompt.")
        return [*flaws, *length_flaw(words.output, decode)]

    def _call_of(self, kept: Request) -> ProviderCall:
        return self.call(kept.url, kept.terms.conditions.provider)


def _name(number: int) -> str:
    return f"{number:064x}{_REQUEST}"


def _dump(request: Request) -> bytes:
    terms, promise = request.terms, request.promise
    return dump_object(
        {
            "conditions": [str(value) for value in astuple(terms.conditions)],
            "commit_by": terms.commit_by,
            "spec": terms.spec,
            "prompt_digest": terms.prompt_digest,
            "seed_commit": terms.seed_commit,
            "order": dump_order(request.order).decode(),
            "promise": promise.model_spec + promise.decode_spec + promise.calibration_id,
            "url": request.url,
        }
    )


def _load(content: bytes) -> Request:
    fields = load_object(content)
    requester, provider, *numbers = fields["conditions"]
    terms = Terms(
        Conditions(requester, provider, *(int(number) for number in numbers)),
        fields["commit_by"],
        *(bytes_in(fields, name, 32) for name in ("spec", "prompt_digest", "seed_commit")),
    )
    joined = bytes_in(fields, "promise", 96)
    promise = Promise(joined[:32], joined[32:64], joined[64:])
    return Request(terms, load_order(fields["order"].encode()), promise, fields["url"])
