"""The indexer on a real chain: what the contracts say is what the store ends up with."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.source_registry import Source
from chainrep.errors import ChainError, ChainUnreachable, InputError
from chainrep.node.indexer import Indexer
from chainrep.node.log_ranges import RangeSize
from chainrep.protocol.verdict_batch import unpack_verdicts
from chainrep.session import bind_session
from chainrep.store.chain_index import ChainIndex
from chainrep.store.db import open_store
from chainrep.store.events import Events
from chainrep.store.score_view import ScoreView
from tests.node.chain_writer import ACCOUNTS, MATCHED, MEMBERS, MISMATCHED, ChainWriter
from tests.node.meddler import TwoServers
from tests.node.reading import RIGHT, digest, indexer_in


def test_the_index_holds_what_the_contracts_hold(writer, whole, tmp_path):
    session = writer.session
    view = ScoreView(tmp_path / "whole.sqlite", writer.deployment.ledger_id)
    scores = [standing.score for standing in view.standings().values()]
    assert scores == session.ledger.scores([1, 2, 3])
    sources = [Source(s.id, s.owner, s.uri, s.registered_at, s.retired) for s in view.sources()]
    assert sources == session.registry.sources()
    assert [source.rotations for source in view.sources()] == [0, 1, 0]
    assert (view.block, view.as_of) == (writer.head(), writer.client.now())


def test_every_event_of_the_contracts_is_kept_with_its_arguments(writer, whole):
    events = Events(whole.index.db, whole.index.ledger)
    (rated,), (vouched,) = events.named("Rated"), events.named("Vouched")
    assert rated.values["rater"] == ACCOUNTS[6].address
    assert vouched.values["vouches"][20:22] in {(50).to_bytes(2), (-100).to_bytes(2, signed=True)}
    assert [e.values["nonce"] for e in events.batches(1, 9)] == [1, 3]
    assert [e.values["nonce"] for e in events.named("NonceCancelled", "ScoreLedger")] == [2]
    (change,) = events.named("CommitteeChanged", "ReputationRoots")
    assert change.values["members"] == tuple(writer.deployment.members)
    (rules,) = events.named("RootsOpened")
    assert rules.values["rules"][1] == 7 * 24 * 3_600
    (decided,) = events.named("VerdictsApplied")
    assert unpack_verdicts(decided.values["verdicts"]) == [MATCHED, MISMATCHED]
    assert decided.values["signerMask"].bit_count() == 2
    state = whole.index.cursor().state
    assert state.verdicts == writer.session.verdicts().history() != 0


def test_a_deployment_without_a_verdict_ledger_is_indexed_as_before(writer, tmp_path):
    older = replace(writer.deployment, verdict_ledger="")
    indexer = Indexer(writer.client, older, open_store(tmp_path / "older.sqlite"))
    indexer.catch_up()
    state = indexer.index.cursor().state
    assert (state.verdicts, state.verdicts_nonce, state.verifiers) == (0, 1, 0)
    assert state.ledger == writer.session.ledger.history()
    assert not list(Events(indexer.index.db, indexer.index.ledger).named("VerdictsApplied"))


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_steps_of_any_size_lead_to_the_same_bytes(writer, still, whole, tmp_path, blocks):
    size = RangeSize(blocks, ceiling=blocks)
    stepped = indexer_in(writer, tmp_path / "stepped.sqlite", client=still, size=size)
    steps = []
    stepped.catch_up(steps.append)
    assert len(steps) > 1
    assert digest(stepped) == digest(whole)


def test_going_on_after_a_restart_and_rebuilding_lead_to_the_same_bytes(writer, tmp_path):
    path = tmp_path / "store.sqlite"
    indexer_in(writer, path).catch_up()
    writer.judge({2: RIGHT})
    writer.register("https://d.example")
    resumed = indexer_in(writer, path)
    progress = resumed.step()
    assert (progress.at_head, progress.events) == (True, 2)
    before = digest(resumed)
    resumed.index.forget()
    assert digest(resumed) != before
    resumed.catch_up()
    assert digest(resumed) == before


def test_only_confirmed_blocks_are_indexed(writer, tmp_path):
    indexer = indexer_in(writer, tmp_path / "store.sqlite", confirmations=3)
    assert indexer.catch_up().block == writer.head() - 2
    writer.register("https://d.example")
    assert indexer.step().block == writer.head() - 2
    with pytest.raises(InputError, match="at least 1"):
        indexer_in(writer, tmp_path / "store.sqlite", confirmations=0)


def test_a_chain_shorter_than_the_confirmations_is_waited_for(writer, tmp_path):
    indexer = indexer_in(writer, tmp_path / "store.sqlite", confirmations=1_000)
    assert indexer.step().at_head
    assert indexer.index.cursor() is None


def test_nothing_new_costs_two_requests(writer, whole, meddler, tmp_path):
    client = TwoServers(meddler, writer.client)
    again = indexer_in(writer, tmp_path / "whole.sqlite", client)
    meddler.asked.clear()
    assert again.step().at_head
    assert meddler.asked == ["eth_blockNumber", "eth_getBlockByNumber"]


def test_several_deployments_in_one_store_do_not_mix(writer, tmp_path):
    session = writer.session
    path = tmp_path / "store.sqlite"
    key = ACCOUNTS[0].private_key
    place = deploy_contracts(session.client, key, MEMBERS, 2, archive=True)
    other = ChainWriter(bind_session(session.config, session.client, place))
    other.register("https://other.example")
    other.judge({1: RIGHT})
    other.apply(b"\xff\xff")  # an archive takes anything; it counts for nothing
    both = [indexer_in(one, path) for one in (writer, other)]
    for indexer in both:
        indexer.catch_up()
    alone = indexer_in(other, tmp_path / "alone.sqlite")
    alone.catch_up()
    assert digest(both[1]) == digest(alone) != digest(both[0])
    view = ScoreView(path, place.ledger_id)
    assert view.standing(1).score == other.session.ledger.scores([1])[0]
    assert list(view.standings()) == [1]


def test_a_uri_that_is_no_text_does_not_stop_the_index(writer, tmp_path):
    registry = writer.session.registry.contract
    uri = b"https://\xff\xfe"
    data = registry.functions.register("x").selector + encode(["bytes"], [uri]).hex()
    writer.client.send({"to": registry.address, "data": data}, ACCOUNTS[9].private_key)
    indexer_in(writer, tmp_path / "store.sqlite").catch_up()
    view = ScoreView(tmp_path / "store.sqlite", writer.deployment.ledger_id)
    assert view.sources()[-1].uri == "https://��"


def test_two_indexers_on_one_store_do_not_disturb_each_other(writer, still, whole, tmp_path):
    path = tmp_path / "shared.sqlite"
    size = RangeSize(2, ceiling=2)
    pair = [indexer_in(writer, path, client=still, size=size) for _ in range(2)]
    at_head = [False, False]
    while at_head != [True, True]:
        at_head = [indexer.step().at_head for indexer in pair]
    assert digest(pair[0]) == digest(whole)


def limited(limit, error):
    def meddle(method, params, response):
        if method == "eth_getLogs":
            asked = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            if asked > limit:
                return {"error": error}
        return response

    return meddle


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32005, "message": "query returned more than 10000 results"},
        {"code": -32602, "message": "Log response size exceeded."},
        {"code": -32000, "message": "exceed maximum block range: 2"},
        "too much",
    ],
)
def test_a_provider_with_limits_is_read_in_smaller_ranges(
    writer, still, whole, meddler, tmp_path, error
):
    meddler.meddle = limited(2, error)
    client = TwoServers(meddler, still)
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client)
    indexer.catch_up()
    assert client.reasons == []
    assert digest(indexer) == digest(whole)


def test_a_provider_that_refuses_a_single_block_is_an_error(writer, still, meddler, tmp_path):
    meddler.meddle = limited(0, {"code": -32000, "message": "unauthorized"})
    indexer = indexer_in(writer, tmp_path / "store.sqlite", TwoServers(meddler, still))
    with pytest.raises(ChainError, match="unauthorized"):
        indexer.catch_up()
    meddler.meddle = lambda method, params, response: response
    assert indexer.catch_up().at_head


def test_a_server_that_dies_is_not_asked_for_less(writer, still, meddler, tmp_path):
    def meddle(method, params, response):
        if method == "eth_getLogs":
            raise ConnectionRefusedError
        return response

    meddler.meddle = meddle
    indexer = indexer_in(writer, tmp_path / "store.sqlite", TwoServers(meddler, still))
    with pytest.raises(ChainUnreachable):
        indexer.catch_up()
    assert meddler.asked.count("eth_getLogs") == 1


def test_a_server_that_is_behind_takes_nothing_back(writer, whole, meddler, tmp_path):
    meddler.meddle = lambda method, params, response: (
        {"result": hex(writer.head() - 3)} if method == "eth_blockNumber" else response
    )
    client = TwoServers(meddler, writer.client)
    before = digest(whole)
    behind = indexer_in(writer, tmp_path / "whole.sqlite", client)
    assert behind.step().at_head
    assert client.reasons == []
    assert digest(behind) == before


def test_a_server_far_behind_is_left_for_another(writer, whole, meddler, tmp_path, monkeypatch):
    monkeypatch.setattr("chainrep.node.indexer.MAX_LAG", 2)
    meddler.meddle = lambda method, params, response: (
        {"result": "0x1"} if method == "eth_blockNumber" else response
    )
    client = TwoServers(meddler, writer.client)
    indexer = indexer_in(writer, tmp_path / "whole.sqlite", client)
    assert not indexer.step().at_head
    assert "blocks behind" in client.reasons[0]
    assert digest(indexer) == digest(whole)


def test_an_address_book_that_names_other_contracts_is_indexed_anew(writer, whole):
    moved = replace(writer.deployment, feedback_log=writer.deployment.score_ledger)
    index = ChainIndex(whole.index.db, moved.ledger_id, moved.indexed)
    assert index.cursor() is None
