"""A small town in which inference is bought: a requester, a provider, verifiers, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from web3.types import RPCEndpoint

from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import DevAccount, dev_accounts
from chainrep.config import Config
from chainrep.protocol.ballot import (
    Ballot,
    Reveal,
    SealedBallot,
    commitment_of,
    sign_ballot,
)
from chainrep.protocol.inference_receipt import (
    TOKENS_PER_LEAF,
    InferenceReceipt,
    ReceiptHeader,
    ReceiptKind,
    make_receipt,
    open_leaf,
)
from chainrep.protocol.job import Job
from chainrep.protocol.job_terms import Conditions, Terms, claim_of, job_word, spec_digest
from chainrep.session import LOCAL_JOBS, Session, bind_session
from tests.node.epoch_town import own_anvil

ACCOUNTS = dev_accounts(16)
CARRIER, REQUESTER, PROVIDER, APPELLANT = (ACCOUNTS[i] for i in (0, 4, 5, 6))
VERIFIERS = ACCOUNTS[7:15]
GWEI = 10**9
PRICE, BOND, FEE = 1_000 * GWEI, 1_500 * GWEI, 50 * GWEI
JOBS = replace(LOCAL_JOBS, least_fee=FEE)
THRESHOLD = 40
LEAVES = 4
"""Of the provider's receipt."""


def word(text: str) -> bytes:
    """32 bytes that differ for every text."""
    return sha256(text.encode()).digest()


CONTENTS = [word(f"content {i}") for i in range(LEAVES)]
CODES = [word(f"code {i}") for i in range(LEAVES)]


def near(code: bytes, bits: int) -> bytes:
    """A code that differs in so many bits: what an honest rerun on another device comes to."""
    return (int.from_bytes(code) ^ ((1 << bits) - 1)).to_bytes(32)


class JobTown:
    """Everyone who has to do with a job, in one; ``seats`` are the verifiers' by number.

    ``travel`` makes a block at a time, in Unix seconds.
    """

    def __init__(self, session: Session, travel: Callable[[int], object]) -> None:
        self.session, self._travel = session, travel
        self.client = session.client
        self.jobs = session.jobs()
        self.reader = session.job_reader()
        self.seats: dict[int, DevAccount] = {}
        self.receipt: InferenceReceipt | None = None

    def sit(self, count: int) -> None:
        """So many verifiers take a seat each."""
        for account in VERIFIERS[:count]:
            seat, _ = self.jobs.take_seat(account.private_key)
            self.seats[seat] = account

    def terms(self, **changes: object) -> Terms:
        """One round of three seats, decided by most votes; by the keywords, other conditions."""
        conditions = Conditions(
            REQUESTER.address, "0x" + "00" * 20, PRICE, BOND, FEE, THRESHOLD, 3, 1, 1, 2
        )
        spec = spec_digest(word("model"), word("decode"), word("calibration"))
        commit_by = self.client.now() + 1_000
        changed = replace(conditions, **changes)  # type: ignore[arg-type]
        return Terms(changed, commit_by, spec, word("prompt"), word("seed"))

    def request(self, **conditions: object) -> Job:
        """A job was requested."""
        job, _ = self.jobs.request(self.terms(**conditions), REQUESTER.private_key)
        return self.reader.read(job)

    def commit(self, job: Job) -> Job:
        """The provider ran it, and committed to its receipt."""
        header = ReceiptHeader(
            ReceiptKind.TOKENS,
            32,
            LEAVES * TOKENS_PER_LEAF,
            word("model"),
            word("decode"),
            job_word(job.id),
            word("prompt"),
            word("seed"),
            word("output"),
            word("calibration"),
            word("signs"),
        )
        self.receipt = make_receipt(header, CONTENTS, CODES, PROVIDER.private_key)
        self.jobs.commit(job.terms, claim_of(self.receipt), PROVIDER.private_key)
        return self.reader.read(job.id)

    def draw(self, job: Job) -> Job:
        """Anybody draws, once there is another block."""
        self._travel(self.client.now() + 1)
        assert self.jobs.beacon_ready(job.drawn)
        self.jobs.draw(job, CARRIER.private_key)
        return self.reader.read(job.id)

    def drawn(self, **conditions: object) -> Job:
        """A job whose first panel is drawn."""
        return self.draw(self.commit(self.request(**conditions)))

    def reveals(self, job: Job, flips: Mapping[int, int]) -> dict[int, Reveal]:
        """By place, codes that differ in so many bits from the provider's."""
        code, turn = CODES[job.drawn.leaf], job.drawn
        return {
            place: Reveal(near(code, bits), word(f"salt {turn.round} {place}"))
            for place, bits in flips.items()
        }

    def seal(self, job: Job, reveals: Mapping[int, Reveal]) -> Job:
        """The seats seal, one after the other; a stranger carries it."""
        for place, reveal in reveals.items():
            self.jobs.seal(job, [self.ballot(job, place, reveal)], CARRIER.private_key)
            job = self.reader.read(job.id)
        return job

    def ballot(self, job: Job, place: int, reveal: Reveal) -> SealedBallot:
        """What the seat at a place signs."""
        seat = job.drawn.panel[place]
        commitment = commitment_of(job.id, job.drawn.round, seat, reveal)
        ballot = Ballot(job.id, job.drawn.word, seat, commitment)
        key = self.seats[seat].private_key
        return SealedBallot(place, commitment, sign_ballot(ballot, self.jobs.domain, key))

    def open(self, job: Job, reveals: Mapping[int, Reveal]) -> Job:
        """The provider shows its leaf, with these ballots."""
        assert self.receipt is not None
        opening = open_leaf(self.receipt, CONTENTS, job.drawn.leaf)
        self.jobs.open(job, opening, reveals, PROVIDER.private_key)
        return self.reader.read(job.id)

    def vote(self, job: Job, flips: Sequence[int]) -> Job:
        """A whole round: all seats seal and open codes that differ in so many bits."""
        reveals = self.reveals(job, dict(enumerate(flips)))
        return self.open(self.seal(job, reveals), reveals)

    def finalize(self, job: Job) -> Job:
        """Wait until nobody can appeal, and close the job."""
        self.wait_until(job.drawn.end)
        self.jobs.finalize(job, CARRIER.private_key)
        return self.reader.read(job.id)

    def time_out(self, job: Job) -> Job:
        """Somebody ends a step whose time is over."""
        self.jobs.time_out(job, CARRIER.private_key)
        return self.reader.read(job.id)

    def wait_until(self, time: int) -> None:
        """Let the next block be at this time or later."""
        if time > self.client.now():
            self._travel(time)

    def owed(self, *accounts: DevAccount) -> list[int]:
        """What these can withdraw."""
        return [self.jobs.owed(account.address) for account in accounts]

    def gained(self, seat: int) -> int:
        """What a seat holds above its bond."""
        return self.jobs.seat(seat).balance - self.jobs.rules.seat_bond


def found_town(client: Client, travel: Callable[[int], object], home: Path, seats: int) -> JobTown:
    """A town on this chain, with contracts of its own."""
    members = [account.address for account in ACCOUNTS[1:4]]
    place = deploy_contracts(client, ACCOUNTS[0].private_key, members, 2, job_terms=JOBS)
    town = JobTown(bind_session(Config(home, client.label, None), client, place), travel)
    town.sit(seats)
    return town


@contextmanager
def town_on_anvil(home: Path) -> Iterator[JobTown]:
    """A town with eight seats on an anvil that nobody else uses."""
    with own_anvil() as url:
        client = connect(url)

        def travel(time: int) -> None:
            ask(client, "evm_setNextBlockTimestamp", time)
            ask(client, "anvil_mine", 1)

        yield found_town(client, travel, home, len(VERIFIERS))


@contextmanager
def taken_back(town: JobTown) -> Iterator[JobTown]:
    """Whatever is done to the town within is undone afterwards."""
    start = ask(town.client, "evm_snapshot")
    yield town
    assert ask(town.client, "evm_revert", start)


def ask(client: Client, method: str, *parameters: object) -> object:
    """One of anvil's own methods."""
    answer = client.w3.provider.make_request(RPCEndpoint(method), list(parameters))
    assert "error" not in answer, answer
    return answer["result"]
