"""Requester, provider and verifiers in one program, over real HTTP, on a real chain."""

import json
import secrets
import time
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.errors import EvidenceUnavailable, InputError
from chainrep.protocol.ballot import DISAGREE, NO_CODE
from chainrep.protocol.job_terms import job_word
from chainrep.protocol.job_trail import JobVerdict, Phase, Vote
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.service.server import HttpServer
from chainrep.session import deploy_locally, open_session
from rag.jobs.disclosure import load_disclosure
from rag.jobs.kept_files import KeptFiles
from rag.jobs.opinion import form_opinion
from rag.jobs.order import Order, dump_order
from rag.jobs.provider import Prices, Provider, address_of
from rag.jobs.provider_call import ANSWER, DISCLOSURE, ProviderCall
from rag.jobs.provider_service import PROVIDER_LIMITS, provider_app
from rag.jobs.receipt_check import check_receipt
from rag.jobs.request_cli import _await_answer
from rag.jobs.requester import Deal, Requester, _dump
from rag.jobs.seat_holder import SeatHolder
from rag.lsh.calibration import Calibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.receipts import sampling_seed
from rag.lsh.verifier import Verdict

KEYS = [account.private_key for account in dev_accounts(10)]
DEAL = Deal(price=10**16, bond=10**17, fee=10**15)


class Market:
    """One provider, three seats and a requester on one chain, stepped by the test."""

    def __init__(self, url, folder, runner, stack):
        self.runner, self.folder = runner, folder
        config = Config(folder / "home", url, None)
        deploy_locally(config, connect(url))
        self.session = open_session(config)
        self.jobs, self.reader = self.session.jobs(), self.session.job_reader()
        self.provider = self.provide(runner)
        server = HttpServer(provider_app(self.provider), limits=PROVIDER_LIMITS)
        stack.enter_context(server)
        self.url, self.address = server.url, self.provider.address
        self.requester = Requester(self.jobs, self.reader, KeptFiles(folder / "r"), KEYS[0])
        self.holders = [self.hold(number) for number in (6, 7, 8)]
        for holder in self.holders:
            assert len(holder.take_seats(1)) == 1

    def provide(self, runner):
        files = KeptFiles(self.folder / "p")
        return Provider(self.jobs, self.reader, runner, files, Prices(), KEYS[4])

    def hold(self, number, **changes):
        files, urls = KeptFiles(self.folder / str(number)), {self.address: self.url}
        parts = {"runner": self.runner, "providers": urls} | changes
        return SeatHolder(self.jobs, self.reader, files=files, key=KEYS[number], **parts)

    def draft(self, deal=DEAL, change=None):
        end = self.runner.model.end_tokens
        decode = DecodeSpec(max_tokens=64, end_tokens=end, **(change or {}))
        prompt = tuple(self.runner.model.tokens("The first ship that"))
        offer = self.requester.offer(self.url, self.address)
        return self.requester.draft(self.url, offer, prompt, decode, self.runner.calibration, deal)

    def ordered(self):
        number = self.draft()
        self.requester.pay(number)
        self.requester.hand_over(number)
        return number

    def play(self, number, until, seconds=300):
        """Step everybody until the job is as wanted."""
        deadline = time.monotonic() + seconds
        while not until(job := self.reader.read(number)):
            assert time.monotonic() < deadline, job
            self.step(self.provider, *self.holders)
        return job

    def step(self, *workers):
        """A step of each; ten seconds pass on the chain if nobody had anything to do."""
        moved = [worker.step() for worker in workers]
        if not any(moved):
            provider = self.session.client.w3.provider
            provider.make_request("evm_increaseTime", [10])
            provider.make_request("evm_mine", [])

    def call(self, number, private_key):
        domain = LedgerDomain(self.jobs.domain.chain_id, self.jobs.domain.contract)
        return ProviderCall(self.url, self.address, domain, private_key)


@pytest.fixture
def market(anvil_url, tmp_path, runner):
    with ExitStack() as stack:
        yield Market(anvil_url, tmp_path, runner, stack)


def judged(job):
    return job.phase is Phase.JUDGED


def test_an_honest_job_is_answered_accepted_and_paid_and_its_receipt_checks(market):
    number = market.ordered()
    assert market.requester.answer(number) is None
    market.requester.hand_over(number)
    job = market.play(number, lambda job: job.outcome)
    assert job.outcome.verdict is JobVerdict.ACCEPTED
    assert job.past[0].votes == (Vote.MATCH,) * 3
    assert market.provider.step()
    assert market.jobs.owed(market.address) == 0
    content, found = market.requester.answer(number)
    decode = market.requester.recall(number).order.decode
    assert check_receipt(market.runner, found, decode).verdict is Verdict.MATCH
    other = check_receipt(market.runner, found, replace(decode, temperature_milli=500))
    assert other.verdict is Verdict.MISMATCH
    assert check_receipt(market.runner, found, decode, "gpu/float32/sdpa").verdict is (
        Verdict.INCONCLUSIVE
    )
    assert not market.provider.waiting


def test_everybody_can_be_replaced_by_a_new_program_at_any_step(market):
    number = market.ordered()
    deadline = time.monotonic() + 300
    while not judged(market.reader.read(number)):
        assert time.monotonic() < deadline
        market.provider = market.provide(market.runner)
        market.holders = [market.hold(n) for n in (6, 7, 8)]
        market.step(market.provider, *market.holders)
    assert market.reader.read(number).past[0].votes == (Vote.MATCH,) * 3
    assert [len(holder.take_seats(1)) for holder in market.holders] == [1, 1, 1]
    assert market.jobs.seat_count()[1] == 3


def test_only_drawn_seats_and_the_requester_see_a_job_and_seats_see_no_code(market):
    number = market.ordered()
    market.play(number, lambda job: job.phase is Phase.DRAWN)
    requester, seat, stranger = (market.call(number, KEYS[n]) for n in (0, 6, 3))
    shown = seat.fetch(number, DISCLOSURE)
    _, kept = market.requester.answer(number)
    for code in kept.receipt.codes:
        assert code.hex().encode() not in shown
    for part in (DISCLOSURE, ANSWER):
        with pytest.raises(EvidenceUnavailable, match="401"):
            stranger.fetch(number, part)
    assert seat.fetch(number, ANSWER) is None
    assert requester.fetch(number, ANSWER) is not None
    assert seat.fetch(number, "anything") is None
    unsigned = httpx.get(f"{market.url}/jobs/0x{number:064x}/answer", trust_env=False)
    assert unsigned.status_code == 401


def test_a_provider_refuses_orders_that_are_not_what_the_terms_say(market):
    number = market.draft()
    with pytest.raises(EvidenceUnavailable, match="no job"):
        market.requester.hand_over(number)
    market.requester.pay(number)
    kept = market.requester.recall(number).order
    call = market.call(number, KEYS[0])
    for order, said in (
        (replace(kept, salt=secrets.token_bytes(32)), "prompt is not that"),
        (Order(kept.salt, (1, 2), kept.decode), "prompt is not that"),
        (replace(kept, decode=replace(kept.decode, max_tokens=63)), "another model, decoding"),
    ):
        with pytest.raises(EvidenceUnavailable, match=said):
            call.order(number, dump_order(order))
    with pytest.raises(EvidenceUnavailable, match="Only the requester"):
        market.call(number, KEYS[3]).order(number, dump_order(kept))
    assert not market.provider.waiting


def test_a_requester_takes_no_offer_beside_its_calibration_or_its_price(market):
    offer = market.requester.offer(market.url, market.address)
    decode, prompt = DecodeSpec(max_tokens=8), (1, 2)

    def draft(changed, deal=DEAL):
        known = market.runner.calibration
        market.requester.draft(market.url, changed, prompt, decode, known, deal)

    for changed in (replace(offer, calibration_id=bytes(32)), replace(offer, setting="gpu/x/y")):
        with pytest.raises(InputError, match="another calibration"):
            draft(changed)
    with pytest.raises(InputError, match="at least"):
        draft(replace(offer, price=DEAL.price + 1))
    with pytest.raises(InputError, match="answers"):
        market.requester.offer(market.url, address_of(KEYS[5]))


def test_seats_that_cannot_reach_the_provider_abstain_and_nothing_is_paid(market):
    market.holders = [market.hold(n, providers={}) for n in (6, 7, 8)]
    number = market.ordered()
    job = market.play(number, lambda job: len(job.past) == 1)
    assert job.past[0].votes == (Vote.ABSTAINED,) * 3


def test_a_cheaper_model_a_tampered_header_and_other_words_are_told_apart_by_what_is_sealed(market):
    number = market.ordered()
    job = market.play(number, lambda job: job.phase is Phase.DRAWN)
    seat = market.call(number, KEYS[6])
    shown = load_disclosure(seat.fetch(number, DISCLOSURE))
    _, kept = market.requester.answer(number)
    honest = form_opinion(market.runner, shown, job)
    assert honest.code == kept.receipt.codes[job.drawn.leaf]
    words = replace(shown.transcript, output=(*shown.transcript.output[:-1], 5))
    unknown = replace(market.runner, calibration=other_setting(market.runner.calibration))
    other_model = replace(market.runner, spec=replace(market.runner.spec, weights_root="00" * 32))
    for runner, seen, said in (
        (market.runner, replace(shown, transcript=words), "words shown are not those"),
        (market.runner, replace(shown, header=replace(shown.header, sign_word=bytes(32))),
         "not what it committed to"),
        (market.runner, replace(shown, setting="cpu/bfloat16/sdpa"), "setting is not its model's"),
        (unknown, shown, "another calibration"),
        (other_model, shown, "another model"),
    ):  # fmt: skip
        opinion = form_opinion(runner, seen, job)
        assert (opinion.code, said in opinion.why) == (NO_CODE, True)
    gpu = replace(shown, setting="gpu/float32/sdpa")
    assert "no calibration for gpu" in form_opinion(market.runner, gpu, job).why
    other_terms = replace(job, terms=replace(job.terms, spec=bytes(32)))
    assert form_opinion(market.runner, shown, other_terms).code == DISAGREE
    stopped = replace(market.runner.model, end_tokens=())
    assert form_opinion(replace(market.runner, model=stopped), shown, job) == honest


def other_setting(calibration):
    (pair,) = calibration.pairs
    return Calibration((replace(pair, width=0.03),))


def test_a_job_whose_provider_never_answers_is_called_off(market):
    number = market.draft(replace(DEAL, commit_seconds=30))
    market.requester.pay(number)
    assert not market.requester.reclaim(number)
    for _ in range(5):
        market.step()
    assert market.requester.reclaim(number)
    assert market.reader.read(number).outcome.verdict is JobVerdict.NONE
    assert market.jobs.owed(address_of(KEYS[0])) > DEAL.price


def test_a_provider_that_shows_garbage_does_not_keep_the_requesters_money(market):
    async def show(_):
        return PlainTextResponse("garbage")

    async def take(_):
        return JSONResponse({}, 202)

    number = market.draft(replace(DEAL, commit_seconds=30))
    routes = [Route("/jobs/{job}", take, methods=["POST"]), Route("/jobs/{job}/answer", show)]
    with HttpServer(Starlette(routes=routes)) as hostile:
        kept = replace(market.requester.recall(number), url=hostile.url)
        market.requester.files.put(f"{number:064x}.request", _dump(kept))
        with pytest.raises(EvidenceUnavailable, match=r"after 1 s.*cannot be checked"):
            _await_answer(market.requester, number, 1)
        for _ in range(5):
            market.step()
        with pytest.raises(EvidenceUnavailable, match="its money came back"):
            _await_answer(market.requester, number, 1)
    assert market.jobs.owed(address_of(KEYS[0])) > DEAL.price


@pytest.mark.parametrize(
    "change", [{"temperature_milli": 1}, {"temperature_milli": 499}, {"top_k": 5},
               {"top_p_milli": 900}],
)  # fmt: skip
def test_a_provider_does_not_sample_as_nobody_measured(market, change):
    number = market.draft(change=change)
    market.requester.pay(number)
    with pytest.raises(EvidenceUnavailable, match="1, without filters"):
        market.requester.hand_over(number)


def breaks(*_):
    raise RuntimeError("out of memory at 'The first ship'")


def test_a_seat_whose_model_breaks_abstains_and_goes_on(market, monkeypatch, caplog):
    number = market.ordered()
    with monkeypatch.context() as patch:
        patch.setattr("rag.jobs.opinion.recompute", breaks)
        job = market.play(number, lambda job: len(job.past) == 1)
    assert job.past[0].votes == (Vote.ABSTAINED,) * 3
    assert "cannot be recomputed: RuntimeError" in caplog.text
    assert "first ship" not in caplog.text


def test_an_order_that_breaks_the_model_is_set_aside_and_the_next_one_is_run(
    market, monkeypatch, caplog
):
    broken, next_one = market.ordered(), market.ordered()
    order = market.requester.recall(broken).order

    def generate_or_break(model, prompts, decode, seeds):
        seed = sampling_seed(order.salt, job_word(broken))
        return breaks() if seeds == [seed] else generate(model, prompts, decode, seeds)

    monkeypatch.setattr("rag.jobs.runner.generate", generate_or_break)
    assert market.provider.step()
    assert market.reader.read(broken).phase is Phase.REQUESTED
    assert market.reader.read(next_one).phase is Phase.COMMITTED
    assert market.provider.files.names(".order") == [f"{next_one:064x}.order"]
    assert "cannot be run: RuntimeError" in caplog.text
    assert "first ship" not in caplog.text


def test_a_server_that_is_a_block_behind_ends_nobody(market, monkeypatch, caplog):
    number = market.ordered()
    before = market.reader.read(number).block - 1
    with monkeypatch.context() as patch:
        patch.setattr(type(market.reader), "head", lambda _: before)
        assert not market.provider.step()
        holder = market.holders[0]
        holder.files.put("progress.json", _progress(before, number))
        assert not holder.step()
    assert caplog.text.count("There is no job") == 2
    assert holder.waiting
    assert market.provider.step()
    assert market.reader.read(number).phase is Phase.COMMITTED


def _progress(block, number):
    return json.dumps({"block": block, "seats": [], "watched": [f"0x{number:064x}"]}).encode()


def test_a_strangers_guess_at_a_job_costs_the_provider_no_look_through_the_log(market, monkeypatch):
    number = market.ordered()
    order = dump_order(market.requester.recall(number).order)
    looked = []
    scan = type(market.reader)._in_ranges
    monkeypatch.setattr(
        type(market.reader), "_in_ranges", lambda *given: looked.append(given) or scan(*given)
    )
    with pytest.raises(EvidenceUnavailable, match="no job"):
        market.call(number, KEYS[9]).order(secrets.randbits(256), order)
    assert looked == []
    market.requester.hand_over(number)
    assert looked


def test_only_the_requester_is_told_that_an_order_was_taken(market):
    number = market.ordered()
    order = dump_order(market.requester.recall(number).order)
    with pytest.raises(EvidenceUnavailable, match="Only the requester"):
        market.call(number, KEYS[9]).order(number, order)
    market.call(number, KEYS[0]).order(number, order)
