"""Servers that err or lie: what they say is refused, and never becomes a score."""

from threading import Thread

import pytest

from chainrep.chain.client import connect
from chainrep.chain.rpc_server import RpcServer
from chainrep.errors import FalseAnswer, StoreError
from chainrep.node.log_ranges import RangeSize
from chainrep.protocol.chain_event import signature_of
from chainrep.store.score_view import ScoreView
from tests.fakes.rpc_proxy import RpcProxy
from tests.node.meddler import TwoServers
from tests.node.reading import digest, indexer_in


def hide(name_of_event):
    """Leave out the last log of an event, by its signature."""

    def meddle(method, params, response):
        if method == "eth_getLogs":
            topic = "0x" + signature_of(*name_of_event).hex()
            logs = response["result"]
            hidden = [log for log in logs if log["topics"][0] == topic][-1:]
            response = response | {"result": [log for log in logs if log not in hidden]}
        return response

    return meddle


HASHED = [
    ("ScoreLedger", "BatchApplied"),
    ("ScoreLedger", "NonceCancelled"),
    ("ScoreLedger", "LedgerOpened"),
    ("FeedbackLog", "Rated"),
    ("FeedbackLog", "Vouched"),
    ("SourceRegistry", "SourceRegistered"),
    ("VerdictLedger", "VerdictsApplied"),
    ("VerdictLedger", "CommitteeChanged"),
]


@pytest.mark.parametrize("event", HASHED, ids=lambda event: event[1])
def test_a_hidden_log_never_becomes_a_wrong_score(writer, still, meddler, tmp_path, event):
    meddler.meddle = hide(event)
    client = TwoServers(meddler, still)
    client.reasons.append("there is no other server")
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client)
    with pytest.raises(FalseAnswer, match="cannot be true") as refusal:
        indexer.catch_up()
    assert "another URL" in refusal.value.remedy
    assert indexer.index.cursor() is None
    with pytest.raises(StoreError, match="no index"):
        ScoreView(tmp_path / "store.sqlite", writer.deployment.ledger_id)


@pytest.mark.parametrize("event", HASHED, ids=lambda event: event[1])
def test_another_server_is_asked_when_one_hides_a_log(
    writer, still, whole, meddler, tmp_path, event
):
    meddler.meddle = hide(event)
    client = TwoServers(meddler, still)
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client)
    indexer.catch_up()
    assert len(client.reasons) == 1
    assert digest(indexer) == digest(whole)


def changed(key, value):
    def meddle(method, params, response):
        if method == "eth_getLogs":
            *logs, last = response["result"]
            response = response | {"result": [*logs, last | {key: value}]}
        return response

    return meddle


def reordered(method, params, response):
    if method == "eth_getLogs":
        response = response | {"result": response["result"][::-1]}
    return response


def doubled(method, params, response):
    if method == "eth_getLogs":
        response = response | {"result": response["result"][:1] + response["result"]}
    return response


LIES = {
    "another contract's log": changed("address", "0x" + "11" * 20),
    "a log from beyond the range": changed("blockNumber", "0xfffff"),
    "a removed log": changed("removed", True),
    "an unknown topic": changed("topics", ["0x" + "11" * 32]),
    "no topics": changed("topics", []),
    "too many topics": changed("topics", ["0x" + "11" * 32] * 5),
    "data that is no hex": changed("data", "0xzz"),
    "data without end": changed("data", "0x" + "00" * (2**20 + 1)),
    "data that decodes to nothing": changed("data", "0x11"),
    "a number that is none": changed("logIndex", "five"),
    "a huge number": changed("logIndex", "0xffffffffffffffff"),
    "a hash that is too short": changed("transactionHash", "0x11"),
    "two hashes of a block": changed("blockHash", "0x" + "11" * 32),
    "logs out of order": reordered,
    "a log twice": doubled,
    "no list": lambda method, params, response: (
        {"result": {}} if method == "eth_getLogs" else response
    ),
    "a block that is no block": lambda method, params, response: (
        {"result": 5} if method == "eth_getBlockByNumber" else response
    ),
    "another block than asked for": lambda method, params, response: (
        {"result": response["result"] | {"number": "0x1"}}
        if method == "eth_getBlockByNumber"
        else response
    ),
    "a history of no size": lambda method, params, response: (
        {"result": "0x1122"} if method == "eth_call" else response
    ),
    "a false history": lambda method, params, response: (
        {"result": "0x" + "11" * 32} if method == "eth_call" else response
    ),
    "contracts that were never there": lambda method, params, response: (
        {"result": "0x"} if method == "eth_call" else response
    ),
    "a head that is no number": lambda method, params, response: (
        {"result": None} if method == "eth_blockNumber" else response
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_true_is_refused_and_another_server_asked(
    writer, still, whole, meddler, tmp_path, lie
):
    client = TwoServers(meddler, still)
    meddler.meddle = LIES[lie]
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client)
    indexer.catch_up()
    assert len(client.reasons) == 1
    assert digest(indexer) == digest(whole)


def test_what_an_untrue_server_gave_before_it_was_caught_is_read_again(
    writer, still, whole, meddler, tmp_path, monkeypatch
):
    """A server without old state hides a batch deep below: found out only near the head."""
    monkeypatch.setattr("chainrep.node.indexer.DENSE_BLOCKS", 2)

    def meddle(method, params, response):
        if method == "eth_call" and int(params[1], 16) < still.w3.eth.block_number - 2:
            return {"error": {"code": -32000, "message": "missing trie node"}}
        return hide(("FeedbackLog", "Rated"))(method, params, response)

    meddler.meddle = meddle
    client = TwoServers(meddler, still)
    path = tmp_path / "store.sqlite"
    indexer = indexer_in(writer, path, client, size=RangeSize(4, ceiling=4))
    indexer.step()
    assert not indexer.index.cursor().verified
    with pytest.raises(StoreError, match="not yet compared"):
        ScoreView(path, writer.deployment.ledger_id)
    indexer.catch_up()
    assert len(client.reasons) == 1
    assert digest(indexer) == digest(whole)


@pytest.fixture
def served(writer, still):
    """The chain over HTTP, and a proxy in front of it that does as it is told."""
    with RpcServer(still.w3.provider) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with RpcProxy(server.url) as proxy:
            yield server, proxy
        server.shutdown()
        thread.join()


def test_of_several_urls_the_one_that_hides_logs_is_left(writer, whole, served, tmp_path):
    server, proxy = served
    proxy.fail("eth_getLogs", lie=lambda _, answer: answer | {"result": answer["result"][:-1]})
    client = connect([proxy.url, server.url])
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client)
    indexer.catch_up()
    assert digest(indexer) == digest(whole)
    assert "a log is missing" in client.rpc_health()[0].last_error


@pytest.mark.parametrize("limit", [{"blocks": 5}, {"results": 8}])
def test_a_real_servers_limits_are_kept(writer, whole, served, tmp_path, limit):
    _, proxy = served
    proxy.limit_logs(**limit)
    indexer = indexer_in(writer, tmp_path / "store.sqlite", connect(proxy.url))
    indexer.catch_up()
    assert digest(indexer) == digest(whole)
    assert proxy.count("eth_getLogs") > 3


def test_a_server_that_answers_nonsense_now_and_then_delays_nothing_but_itself(
    writer, whole, served, tmp_path
):
    server, proxy = served
    proxy.fail(rate=0.2, status=503)
    proxy.fail(rate=0.2, drop=True)
    size = RangeSize(5, ceiling=5)
    client = connect([proxy.url, server.url])
    indexer = indexer_in(writer, tmp_path / "store.sqlite", client, size=size)
    indexer.catch_up()
    assert digest(indexer) == digest(whole)
