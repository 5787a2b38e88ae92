"""Several RPC URLs of one chain: real servers that die, lie, stall and come back."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrep.chain.client import Client, connect
from chainrep.chain.devnet import EMBEDDED_CHAIN_ID, dev_accounts
from chainrep.chain.failover import FailoverProvider
from chainrep.chain.rpc_url import MAX_ANSWER_BYTES
from chainrep.chain.url_standing import DISTRUST_SECONDS, MAX_REST_SECONDS, REST_SECONDS
from chainrep.errors import (
    AskedTooMuch,
    CallRefused,
    ChainError,
    ChainUnreachable,
    WrongChain,
)
from tests.fakes.rpc_proxy import RpcProxy
from tests.tools import free_port

SENDER, RECEIVER = dev_accounts(2)
HEAD = "eth_blockNumber"
REVERTING = "0x6f63deadbeef60e01b60005260246000fd60005260106010f3"
RATE_LIMITED = (-32005, "daily request count exceeded, request rate limited")


class Clock:
    """A monotonic clock that a test moves; pauses move it too."""

    def __init__(self):
        self.now = 1_000.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def client_of(*proxies, clock=None, **settings):
    if clock is not None:
        settings |= {"clock": clock, "sleep": clock.sleep}
    provider = FailoverProvider([getattr(p, "url", p) for p in proxies], **settings)
    return Client(provider, provider.label)


def head(client):
    return client.ask(lambda: client.w3.eth.block_number)


def states(client):
    return [health.state for health in client.rpc_health()]


def nobody():
    return f"http://127.0.0.1:{free_port()}"


def test_a_dead_first_url_is_passed_over_at_once(first):
    client = connect([nobody(), first.url], EMBEDDED_CHAIN_ID)
    assert client.label == first.url
    dead, alive = client.rpc_health()
    assert (dead.last_error, dead.failures, dead.state) == ("connection refused", 1, "resting")
    assert (alive.last_error, alive.failures, alive.state) == ("", 0, "ok")


def test_a_url_that_dies_meanwhile_rests_and_is_preferred_again_when_it_is_back(
    first, second, clock
):
    client = client_of(first, second, clock=clock)
    assert head(client) == 0
    assert client.label == first.url
    first.fail(drop=True)
    assert head(client) == 0
    assert client.label == second.url
    first.clear()
    asked = first.count()
    assert head(client) == 0
    assert first.count() == asked, "it rests"
    clock.now += REST_SECONDS
    assert head(client) == 0
    assert client.label == first.url
    assert states(client) == ["ok", "ok"]


def test_rests_grow_to_a_bound_and_start_anew_after_an_answer(first, second, clock):
    client = client_of(first, second, clock=clock)
    first.fail(HEAD, status=503)
    rests = []
    for _ in range(9):
        head(client)
        rests.append(client.rpc_health()[0].rests_for)
        clock.now += rests[-1]
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert max(rests) == MAX_REST_SECONDS
    first.clear()
    head(client)
    first.fail(HEAD, status=503)
    head(client)
    assert client.rpc_health()[0].rests_for == REST_SECONDS


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 429}, "HTTP 429"),
        ({"status": 503, "body": b"<html>"}, "HTTP 503"),
        ({"status": 401}, "HTTP 401"),
        ({"status": 404, "body": b"nothing here"}, "no JSON-RPC (HTTP 404)"),
        ({"body": b"<html>all is well</html>"}, "no JSON-RPC"),
        ({"body": b'{"jsonrpc": "2.0", "id": 1}'}, "no JSON-RPC"),
        ({"body": b'{"jsonrpc": "2.0", "id": 1, "error": "no"}'}, "no JSON-RPC"),
        ({"body": b'[{"jsonrpc": "2.0", "id": 1, "result": "0x1"}]'}, "no JSON-RPC"),
        ({"body": "{}".encode("utf-16")}, "no JSON-RPC"),
        # py-evm, loaded here, lifts Python's recursion limit: this would end the whole run.
        ({"body": b"[" * 1_000_000}, "no JSON-RPC"),
        ({"body": b'{"":' * 1_000_000}, "no JSON-RPC"),
        ({"body": b'["]",' * 100_000}, "no JSON-RPC"),
        ({"body": b"[" + b"[]," * 2_000_000}, "no JSON-RPC"),
        ({"body": b" " * (MAX_ANSWER_BYTES + 1)}, "over 32 MiB"),
        ({"drop": True}, "the connection broke"),
        ({"error": RATE_LIMITED}, "refuses service with code -32005"),
        ({"error": (429, "slow down")}, "code 429"),
        ({"error": (-32029, "Too Many Requests")}, "code -32029"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_no_answer_goes_to_the_next_url(first, second, clock, fault, reason):
    client = client_of(first, second, clock=clock)
    first.fail(HEAD, **fault)
    assert head(client) == 0
    assert client.label == second.url
    assert reason in client.rpc_health()[0].last_error
    assert clock.pauses == []


ENDLESS = [{"delay": 300.0}, {"drip": 0.05}]
"""Neither answers while a test lasts: it ends only where the asker gives up."""


@pytest.mark.parametrize("fault", ENDLESS, ids=str)
def test_a_slow_url_costs_its_share_of_the_deadline_and_no_more(first, second, fault):
    client = client_of(first, second, seconds=3.0)
    first.fail(HEAD, **fault)
    began = time.monotonic()
    assert head(client) == 0
    assert 1.4 < time.monotonic() - began < 60
    assert "no complete answer in 1.5 s" in client.rpc_health()[0].last_error


@pytest.mark.parametrize("fault", ENDLESS, ids=str)
def test_no_server_can_hold_a_request_longer_than_its_deadline(first, fault):
    client = client_of(first, seconds=0.4)
    first.fail(HEAD, **fault)
    began = time.monotonic()
    with pytest.raises(AskedTooMuch, match=r"no complete answer in 0\.4 s"):
        head(client)
    assert time.monotonic() - began < 60


def test_an_answer_that_is_too_large_everywhere_says_so(first, second):
    client = client_of(first, second)
    for proxy in first, second:
        proxy.fail(HEAD, body=b" " * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(AskedTooMuch, match=r"over 32 MiB.*over 32 MiB"):
        head(client)


@pytest.mark.parametrize(
    ("method", "lie", "reason"),
    [
        ("eth_chainId", lambda params, answer: answer | {"result": "0x5"}, "has id 5, not"),
        (
            "eth_getBlockByNumber",
            lambda params, answer: {"result": answer["result"] | {"hash": "0x" + "ab" * 32}},
            "has the first block 0xabab",
        ),
    ],
)
def test_a_url_of_another_chain_is_never_used(first, second, clock, method, lie, reason):
    client = client_of(first, second, clock=clock)
    second.fail(method, lie=lie)
    first.fail(HEAD, drop=True)
    with pytest.raises(ChainUnreachable, match=reason):
        head(client)
    assert second.count(HEAD) == 0
    assert second.count("eth_chainId") == 1, "and is not asked again"
    assert states(client) == ["resting", "another chain"]


def test_an_expected_chain_is_looked_for_among_all_urls(embedded_url, anvil_url):
    client = connect([embedded_url, anvil_url], 31_337)
    assert client.chain_id == 31_337
    assert client.label == anvil_url
    assert states(client) == ["another chain", "ok"]
    with pytest.raises(WrongChain, match=r"has id \d+, not 1; the one at .* has id 31337, not 1"):
        connect([embedded_url, anvil_url], 1)


def test_a_server_that_comes_back_with_another_chain_is_not_used_any_more(first, clock):
    client = client_of(first, clock=clock)
    first.fail("eth_chainId", lie=lambda params, answer: answer | {"result": "0x5"})
    assert head(client) == 0
    first.fail(HEAD, drop=True, times=1)
    with pytest.raises(WrongChain, match="has id 5, not"):
        head(client)


def test_when_all_are_down_every_url_is_named_and_no_secret(second, clock):
    port = free_port()
    second.fail(HEAD, status=502)
    proxied = second.url.replace("http://", "http://user:pass-word@")
    client = client_of(proxied + "/v3/0123456789abcdef", clock=clock)
    with pytest.raises(ChainUnreachable) as alone:
        head(client)
    urls = [
        f"http://127.0.0.1:{port}/v2/0123456789abcdef",
        f"http://127.0.0.1:{port}/?apikey=fedcba9876543210",
        proxied + "/v3/0123456789abcdef",
    ]
    second.fail("eth_chainId", status=502)
    with pytest.raises(ChainUnreachable) as together:
        client_of(*urls, clock=clock)
    assert str(alone.value).startswith(f"No chain answers at {second.url} (HTTP 502).")
    refused = "(connection refused)"
    assert together.value.summary == (
        f"No chain answers at http://127.0.0.1:{port} {refused},"
        f" http://127.0.0.1:{port} #2 {refused}, {second.url} (HTTP 502)."
    )
    for text in (str(alone.value), str(together.value), str(client.rpc_health())):
        assert not any(secret in text for secret in ("0123456789", "fedcba", "pass-word", "user"))


def test_a_revert_is_an_answer_and_passes_through(anvil_url):
    with RpcProxy(anvil_url) as proxy:
        client = client_of(proxy, anvil_url)
        contract = client.send({"data": REVERTING}, SENDER.private_key).contract
        call = {"to": contract, "data": "0x"}
        response = client.w3.provider.make_request("eth_call", [call, "latest"])
        assert response["error"]["code"] == 3
        assert response["error"]["data"].startswith("0xdeadbeef")
        with pytest.raises(CallRefused, match="0xdeadbeef"):
            client.ask(lambda: client.w3.eth.call(call))
        assert client.label == proxy.url
        assert [health.failures for health in client.rpc_health()] == [0, 0]


@pytest.mark.parametrize(
    "error",
    [
        (-32000, "nonce too low"),
        (-32603, "internal error"),
        (-32602, "block range is too wide"),
        (-32005, "query returned more than 10000 results"),
        (3, "execution reverted: rate limit exceeded"),
        (-32000, "execution reverted: too many requests"),
    ],
)
def test_other_json_rpc_errors_are_answers_too(first, second, error):
    client = client_of(first, second)
    first.fail("eth_getLogs", error=error)
    response = client.w3.provider.make_request("eth_getLogs", [{}])
    assert response["error"] == {"code": error[0], "message": error[1]}
    assert second.count("eth_getLogs") == 0


def test_where_every_url_refuses_service_the_refusal_is_the_answer(first, second, clock):
    client = client_of(first, second, clock=clock)
    for proxy in first, second:
        proxy.fail(HEAD, error=RATE_LIMITED)
    with pytest.raises(ChainError, match="daily request count exceeded") as refusal:
        head(client)
    assert not isinstance(refusal.value, ChainUnreachable)
    assert [first.count(HEAD), second.count(HEAD), clock.pauses] == [3, 3, [0.25, 1.0]]


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"drop": True}], ids=str)
def test_a_single_url_gets_two_more_chances_when_its_trouble_may_pass(first, clock, fault):
    client = client_of(first, clock=clock)
    first.fail(HEAD, times=2, **fault)
    assert head(client) == 0
    assert clock.pauses == [0.25, 1.0]


@pytest.mark.parametrize("chain", ["embedded_url", "anvil_url"])
def test_a_signed_transaction_whose_answer_was_lost_is_sent_elsewhere_and_counts_once(
    chain, request
):
    url = request.getfixturevalue(chain)
    with RpcProxy(url) as first, RpcProxy(url) as second:
        client = client_of(first, second)
        first.fail("eth_sendRawTransaction", lie=lambda params, answer: {}, times=1)
        before = client.balance(RECEIVER.address)
        receipt = client.send({"to": RECEIVER.address, "value": 7}, SENDER.private_key)
        assert receipt.succeeded
        assert second.count("eth_sendRawTransaction") == 1
        assert client.balance(RECEIVER.address) == before + 7


def test_a_liar_is_left_alone_for_a_while_and_the_last_url_never(first, second, clock):
    client = client_of(first, second, clock=clock)
    assert client.switch_rpc("a log is missing")
    assert head(client) == 0
    assert client.label == second.url
    health = client.rpc_health()[0]
    assert (health.state, health.last_error) == ("distrusted", "a log is missing")
    assert health.rests_for == DISTRUST_SECONDS
    assert not client.switch_rpc("this one lies too")
    second.fail(HEAD, status=500)
    with pytest.raises(ChainUnreachable, match=r"\(a log is missing\), .*\(HTTP 500\)"):
        head(client)
    clock.now += DISTRUST_SECONDS
    assert head(client) == 0
    assert client.label == first.url
    assert client.switch_rpc("again")
    assert client.rpc_health()[0].rests_for == 2 * DISTRUST_SECONDS


def test_there_is_nothing_to_switch_to_with_one_url_or_a_chain_in_this_process(first, client):
    assert not client_of(first).switch_rpc("no reason")
    assert not client.switch_rpc("no reason")
    assert client.rpc_health() == ()


def test_many_threads_share_one_connection_through_random_faults(first, second):
    client = client_of(first, second)
    first.fail(HEAD, rate=0.2, drop=True)
    first.fail(HEAD, rate=0.2, status=503)
    first.fail(HEAD, rate=0.2, body=b"?")

    def ask(_):
        return head(client), client.label

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(200)))
    assert {block for block, _ in answers} == {0}
    labels = Counter(label for _, label in answers)
    assert set(labels) <= {first.url, second.url}
    health = client.rpc_health()
    assert sum(h.requests - h.failures for h in health) == 201  # the first told which chain it is
    assert health[1].failures == 0
    assert health[0].failures > 0
