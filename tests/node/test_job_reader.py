"""Jobs read from their events: what a server may say, and what it is found out by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chainrep.chain.client import Client
from chainrep.errors import FalseAnswer, InputError
from chainrep.node.job_reader import JobReader
from chainrep.protocol.job_trail import Phase, Round
from tests.node.job_town import APPELLANT, LEAVES, THRESHOLD, JobTown, taken_back, town_on_anvil
from tests.node.meddler import Meddler

SAME, FAR = 3, THRESHOLD + 1


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobTown]:
    with town_on_anvil(tmp_path_factory.mktemp("home")) as town:
        yield town


@pytest.fixture
def town(built: JobTown) -> Iterator[JobTown]:
    with taken_back(built):
        yield built


def test_news_show_whom_a_job_concerns(town):
    first = town.reader.head() + 1
    job = town.drawn()
    news = town.reader.news(first, town.reader.head())
    assert [event.name for event in news] == ["JobRequested", "JobCommitted", "PanelDrawn"]
    assert {event.values["jobId"] for event in news} == {job.id}


def test_a_job_that_was_said_to_begin_too_late_is_read_from_the_first_block_on(town):
    job = town.drawn()

    def delay(method, params, response):
        if method == "eth_getLogs" and "topics" not in params[0]:
            response["result"] = response["result"][:1]
            response["result"][0]["blockNumber"] = hex(town.reader.head())
        return response

    reader = _lying(town, delay)
    reader.news(job.block, town.reader.head())
    assert reader.read(job.id) == job


def test_a_job_that_there_is_not_is_said_to_be_none(town):
    with pytest.raises(InputError, match="no job"):
        town.reader.read(12345)


@pytest.mark.parametrize("name", ["JobCommitted", "BallotsSealed", "RoundEnded", "PanelDrawn"])
def test_a_server_that_leaves_out_an_event_is_found_out(town, name):
    job = town.vote(town.drawn(rounds=3), [FAR, FAR, FAR])
    job = town.draw(job)
    job = town.seal(job, town.reveals(job, {1: SAME}))
    topic = "0x" + town.jobs.contract.events[name]().topic.removeprefix("0x")

    def leave_out(method, params, response):
        if method == "eth_getLogs":
            logs = response["result"]
            last = max(i for i, log in enumerate(logs) if log["topics"][0] == topic)
            response["result"] = logs[:last] + logs[last + 1 :]
        return response

    with pytest.raises(FalseAnswer):
        _lying(town, leave_out).read(job.id)


@pytest.mark.parametrize(
    ("name", "offset"),
    [("PanelDrawn", 31), ("PanelDrawn", -1), ("RoundEnded", 31), ("JobCommitted", 31)],
)
def test_a_server_that_changes_a_word_is_found_out(town, name, offset):
    job = town.draw(town.vote(town.drawn(rounds=3), [FAR, FAR, FAR]))
    topic = "0x" + town.jobs.contract.events[name]().topic.removeprefix("0x")

    def change(method, params, response):
        if method == "eth_getLogs":
            for log in response["result"]:
                if log["topics"][0] == topic:
                    content = bytearray.fromhex(log["data"][2:])
                    content[offset] ^= 1
                    log["data"] = "0x" + content.hex()
        return response

    with pytest.raises(FalseAnswer):
        _lying(town, change).read(job.id)


def test_a_server_that_shows_another_jobs_events_is_found_out(town):
    job, other = town.drawn(), town.request(panel=2)

    def swap(method, params, response):
        if method == "eth_getLogs":
            return town.client.w3.provider.make_request(
                method, [params[0] | {"topics": [None, f"0x{other.id:064x}"]}]
            )
        return response

    with pytest.raises(FalseAnswer, match="something else"):
        _lying(town, swap).read(job.id)


def test_the_contract_takes_no_other_deal_trail_or_phase(town):
    job = town.drawn(rounds=3)
    assert town.jobs.takes(job)
    other = replace(job.claim, leaf_count=LEAVES + 1)
    for changed in (
        replace(job, appellant=APPELLANT.address),
        replace(job, claim=other),
        replace(job, past=(Round(1),)),
        replace(job, provider=APPELLANT.address),
        replace(job, phase=Phase.JUDGED),
    ):
        assert not town.jobs.takes(changed)


def _lying(town, meddle):
    """A reader whose server answers as the test says."""
    meddler = Meddler(town.client)
    meddler.meddle = meddle
    session = replace(town.session, client=Client(meddler, "the liar"))
    return JobReader(session.jobs())
