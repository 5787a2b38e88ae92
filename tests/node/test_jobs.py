"""Whole verification jobs from Python on a real chain.

Every step goes through `JobReader.read`, which compares the job that the events tell with what the
contract is bound to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chainrep.chain.client import Client
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.verification_jobs import overtaken
from chainrep.errors import CallRefused, InputError
from chainrep.protocol.ballot import NO_CODE, Ballot, ballot_digest, commitment_of
from chainrep.protocol.job_terms import condition_words, job_id
from chainrep.protocol.job_trail import JobVerdict, Phase, Round, Vote, frame_of
from chainrep.session import LOCAL_JOBS
from tests.node.job_town import (
    APPELLANT,
    BOND,
    CARRIER,
    FEE,
    PRICE,
    PROVIDER,
    REQUESTER,
    THRESHOLD,
    JobTown,
    ask,
    found_town,
    taken_back,
    town_on_anvil,
)

SAME, FAR = 3, THRESHOLD + 1
"""Bits that differ after an honest rerun, and after another model's run."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobTown]:
    with town_on_anvil(tmp_path_factory.mktemp("home")) as town:
        yield town


@pytest.fixture
def town(built: JobTown) -> Iterator[JobTown]:
    with taken_back(built):
        yield built


def test_a_job_is_done_on_the_chain_within_a_process(tmp_path):
    chain = embedded_chain()
    client = Client(EmbeddedProvider(chain), "the embedded chain")

    def travel(time):
        chain.time_travel(time)
        chain.mine_block()

    town = found_town(client, travel, tmp_path, 2)
    job = town.finalize(town.vote(town.drawn(panel=1), [SAME]))
    assert job.outcome.verdict is JobVerdict.ACCEPTED
    assert town.owed(PROVIDER) == [PRICE + BOND]


def test_an_honest_job_is_accepted_and_pays_provider_and_verifiers(town):
    before = town.owed(PROVIDER, REQUESTER)
    job = town.vote(town.drawn(), [SAME, SAME, FAR])
    assert (job.phase, job.standing) == (Phase.JUDGED, JobVerdict.ACCEPTED)
    assert town.owed(PROVIDER, REQUESTER) == before
    panel = job.past[0].panel
    job = town.finalize(job)
    assert job.outcome is not None
    assert (job.outcome.verdict, job.outcome.matches, job.outcome.mismatches) == (
        JobVerdict.ACCEPTED, 2, 1,
    )  # fmt: skip
    rest = job.terms.conditions.cost - PRICE - 2 * FEE
    assert town.owed(PROVIDER, REQUESTER) == [PRICE + BOND, rest]
    fine = LOCAL_JOBS.fine
    assert [town.gained(seat) for seat in panel] == [FEE, FEE, -fine]


def test_a_cheat_is_rejected_after_two_leaves_and_never_after_one(town):
    job = town.vote(town.drawn(rounds=3), [FAR, FAR, FAR])
    assert (job.phase, job.standing) == (Phase.COMMITTED, JobVerdict.INCONCLUSIVE)
    job = town.vote(town.draw(job), [FAR, SAME, FAR])
    assert (job.phase, job.standing) == (Phase.JUDGED, JobVerdict.REJECTED)
    assert len({found.leaf for found in job.past}) == 2
    job = town.finalize(job)
    assert job.outcome is not None
    assert (job.outcome.verdict, job.outcome.mismatches) == (JobVerdict.REJECTED, 5)
    rest = job.terms.conditions.cost + BOND - 5 * FEE
    assert town.owed(PROVIDER, REQUESTER) == [0, rest]


def test_a_verifier_that_does_not_seal_or_open_in_time_is_fined(town):
    job = town.drawn()
    panel = job.drawn.panel
    reveals = town.reveals(job, {0: SAME, 2: SAME})
    job = town.seal(job, reveals)
    assert [entry.place for entry in job.sealed] == [0, 2]
    with pytest.raises(CallRefused, match="TooEarly"):
        town.open(job, {0: reveals[0]})
    town.wait_until(job.drawn.end)
    job = town.open(job, {0: reveals[0]})
    assert [ballot.vote for ballot in job.opened] == [Vote.MATCH]
    town.wait_until(job.open_end(LOCAL_JOBS.open_time))
    job = town.time_out(job)
    assert job.past[0].votes == (Vote.MATCH, Vote.LAPSED, Vote.LAPSED)
    job = town.finalize(job)
    assert job.outcome is not None
    assert job.outcome.verdict is JobVerdict.ACCEPTED
    fine = LOCAL_JOBS.fine
    assert [town.gained(seat) for seat in panel] == [FEE, -fine, -fine]


def test_a_provider_that_withholds_its_leaf_loses_its_bond(town):
    job = town.drawn()
    job = town.seal(job, town.reveals(job, {0: SAME, 1: FAR, 2: SAME}))
    town.wait_until(job.drawn.end + LOCAL_JOBS.open_time)
    job = town.time_out(job)
    assert job.past[0].withheld
    assert job.standing is JobVerdict.WITHHELD
    job = town.finalize(job)
    rest = job.terms.conditions.cost + BOND - 3 * FEE
    assert town.owed(PROVIDER, REQUESTER) == [0, rest]


def test_a_seat_that_abstains_is_neither_paid_nor_fined(town):
    job = town.drawn()
    panel = job.drawn.panel
    reveals = town.reveals(job, {0: SAME, 1: SAME, 2: SAME})
    reveals[2] = replace(reveals[2], code=NO_CODE)
    job = town.finalize(town.open(town.seal(job, reveals), reveals))
    assert job.past[0].votes == (Vote.MATCH, Vote.MATCH, Vote.ABSTAINED)
    assert [town.gained(seat) for seat in panel] == [FEE, FEE, 0]


def test_ballots_are_opened_one_after_the_other(town):
    job = town.drawn()
    reveals = town.reveals(job, {2: SAME, 0: FAR, 1: SAME})
    job = town.seal(job, reveals)
    for place in (1, 2):
        job = town.open(job, {place: reveals[place]})
        assert job.phase is Phase.DRAWN
    job = town.open(job, {0: reveals[0]})
    assert job.past[0].votes == (Vote.MISMATCH, Vote.MATCH, Vote.MATCH)


def test_ballots_are_carried_at_once_in_any_order_or_brought_by_their_owner(town):
    job = town.drawn()
    reveals = town.reveals(job, {0: SAME, 1: FAR, 2: SAME})
    own = replace(town.ballot(job, 1, reveals[1]), signature=b"")
    with pytest.raises(CallRefused, match=r"BallotNotSigned.*owner must sign"):
        town.jobs.seal(job, [own], CARRIER.private_key)
    town.jobs.seal(job, [own], town.seats[job.drawn.panel[1]].private_key)
    others = [town.ballot(job, place, reveals[place]) for place in (2, 0)]
    town.jobs.seal(job, others, CARRIER.private_key)
    job = town.reader.read(job.id)
    assert [entry.place for entry in job.sealed] == [1, 2, 0]
    assert town.open(job, reveals).past[0].votes == (Vote.MATCH, Vote.MISMATCH, Vote.MATCH)


def test_where_nobody_sits_all_money_goes_back(town):
    for seat, account in town.seats.items():
        town.jobs.leave_seat(seat, account.private_key)
    assert town.jobs.seat_count() == (0, 8)
    job = town.commit(town.request())
    with pytest.raises(CallRefused, match="NobodyToSit"):
        town.draw(job)
    town.wait_until(job.drawn.end)
    job = town.finalize(town.time_out(job))
    assert (job.past, job.outcome.verdict) == ((Round(0),), JobVerdict.INCONCLUSIVE)
    assert town.owed(PROVIDER, REQUESTER) == [BOND, job.terms.conditions.cost]


def test_an_appeal_is_heard_by_others_and_its_bond_comes_back_if_it_changes_the_verdict(town):
    job = town.vote(town.drawn(panel=1, accept_lead=1), [SAME])
    assert job.standing is JobVerdict.ACCEPTED
    town.jobs.appeal(job, APPELLANT.private_key)
    job = town.reader.read(job.id)
    assert (job.phase, job.appellant) == (Phase.COMMITTED, APPELLANT.address)
    job = town.draw(job)
    assert job.drawn.panel != job.past[0].panel
    job = town.finalize(town.vote(job, [FAR]))
    assert job.outcome.verdict is JobVerdict.INCONCLUSIVE
    assert town.owed(APPELLANT, PROVIDER) == [BOND, BOND]


def test_a_job_that_nobody_takes_is_reclaimed(town):
    job = town.request()
    town.wait_until(job.terms.commit_by)
    town.jobs.reclaim(job.terms, CARRIER.private_key)
    job = town.reader.read(job.id)
    assert (job.phase, job.outcome.verdict) == (Phase.CLOSED, JobVerdict.NONE)
    assert town.owed(REQUESTER) == [job.terms.conditions.cost]


def test_a_seat_is_found_wherever_it_stands_in_the_list_and_left(town):
    first, *_, last = town.seats
    town.jobs.leave_seat(first, town.seats[first].private_key)
    town.jobs.leave_seat(last, town.seats[last].private_key)
    assert town.jobs.seat_count() == (6, 8)
    seat = town.jobs.seat(last)
    assert seat.free_at > town.client.now()
    with pytest.raises(InputError, match="not in the list"):
        town.jobs.leave_seat(last, town.seats[last].private_key)
    with pytest.raises(CallRefused, match="NothingToCollect"):
        town.jobs.collect(last, town.seats[last].private_key)
    town.wait_until(seat.free_at)
    town.jobs.collect(last, town.seats[last].private_key)
    assert town.owed(town.seats[last]) == [LOCAL_JOBS.seat_bond]
    town.jobs.withdraw(CARRIER.address, town.seats[last].private_key)
    assert town.owed(town.seats[last]) == [0]


def test_what_python_hashes_and_signs_is_what_the_contract_does(town):
    job = town.vote(town.drawn(rounds=3), [FAR, FAR, FAR])
    functions = town.jobs.contract.functions
    terms = job.terms.conditions
    assert functions.phaseOf(job_id(job.terms, town.jobs.domain)).call() == Phase.COMMITTED
    past = [found.word for found in job.past]
    deal = (condition_words(job.deal.conditions), _fields(job.deal.claim))
    frame = functions.frameOf(job.id, deal, APPELLANT.address, past).call()
    assert frame == frame_of(job.id, job.deal, APPELLANT.address, job.past)
    assert functions.costOf(condition_words(terms)).call() == terms.cost
    reveal = town.reveals(town.draw(job), {0: SAME})[0]
    commitment = commitment_of(job.id, 7, 2**24 - 1, reveal)
    named = (job.id, 7, 2**24 - 1)
    assert functions.commitmentOf(*named, reveal.code, reveal.salt).call() == commitment
    signed = (job.id, 2**255 + 7, 2**24 - 1, commitment)
    digest = ballot_digest(Ballot(*signed), town.jobs.domain)
    assert functions.ballotDigest(*signed).call() == digest


def test_terms_are_requested_once_and_only_by_the_requester(town):
    terms = town.terms()
    with pytest.raises(CallRefused, match=r"ConditionsInvalid.*requester"):
        town.jobs.request(terms, PROVIDER.private_key)
    town.jobs.request(terms, REQUESTER.private_key)
    with pytest.raises(CallRefused, match=r"JobExists.*change the time"):
        town.jobs.request(terms, REQUESTER.private_key)


class LateClient(Client):
    """Between its estimate and its block, somebody else does something."""

    def __init__(self, truth, before):
        super().__init__(truth.w3.provider, "the chain")
        self._before = before

    def broadcast(self, transaction):
        self._before()
        super().broadcast(transaction)


def test_who_is_overtaken_in_the_block_only_is_told_so(town):
    job = town.commit(town.request())
    ask(town.client, "anvil_mine", 1)
    client = LateClient(town.client, lambda: town.jobs.draw(job, CARRIER.private_key))
    late = replace(town.session, client=client).jobs()
    with pytest.raises(CallRefused, match="mined but failed") as refusal:
        late.draw(job, APPELLANT.private_key)
    assert overtaken(refusal.value)
    assert town.reader.read(job.id).phase is Phase.DRAWN


def test_nothing_can_be_opened_that_was_not_sealed(town):
    job = town.drawn()
    reveals = town.reveals(job, {0: SAME, 1: SAME})
    job = town.seal(job, {0: reveals[0]})
    with pytest.raises(InputError, match="one was sealed"):
        town.open(job, reveals)


def _fields(record):
    return tuple(getattr(record, name) for name in type(record).__slots__)
