"""What a server, or whoever answers in its place, can do to us."""

import pytest
from eth_abi import encode

from chainrep.chain.client import connect
from chainrep.chain.devnet import EMBEDDED_CHAIN_ID, dev_accounts
from chainrep.errors import CallRefused, ChainError, ChainUnreachable, InputError

(RECEIVER,) = dev_accounts(1)
HEAD = "eth_blockNumber"
OFFCHAIN_LOOKUP = "0x556f1830"  # of EIP-3668, with these arguments
LOOKUP_TYPES = ["address", "string[]", "bytes", "bytes4", "bytes"]


def head(client):
    return client.ask(lambda: client.w3.eth.block_number)


def test_a_key_that_a_server_repeats_is_not_shown(first):
    client = connect(first.url + "/v2/0123456789abcdef")
    first.fail(HEAD, error=(-32000, "no project 0123456789abcdef"))
    with pytest.raises(ChainError, match="no project …") as refusal:
        head(client)
    assert "0123456789" not in str(refusal.value)


def test_a_password_in_the_url_is_sent_as_http_asks_for(first):
    connect(first.url.replace("http://", "http://me:s%20x@"))
    assert first.calls[-1].headers["Authorization"] == "Basic bWU6cyB4"


@pytest.mark.parametrize(
    "url", ["ftp://me:secret@a", "http://", "http://a:b/secret", "http://[/secret"]
)
def test_what_is_no_url_is_misuse_and_is_not_repeated(url):
    with pytest.raises(InputError) as refusal:
        connect(["http://127.0.0.1:9", url])
    assert "secret" not in str(refusal.value)
    with pytest.raises(InputError, match="not 1 to 16"):
        connect([])


def test_a_redirect_is_not_followed(first, second):
    client = connect(first.url)
    for status in 301, 307, 308:
        first.fail(HEAD, times=1, status=status, headers={"Location": second.url})
        with pytest.raises(ChainUnreachable, match=f"HTTP {status}, a redirect"):
            head(client)
    assert second.calls == []


def test_a_server_cannot_have_other_addresses_fetched_by_ccip_read(first):
    client = connect(first.url)
    inside = [RECEIVER.address, ["https://127.0.0.1:9/{data}"], b"", b"1234", b""]
    content = OFFCHAIN_LOOKUP + encode(LOOKUP_TYPES, inside).hex()
    error = {"code": 3, "message": "execution reverted", "data": content}
    first.fail("eth_call", lie=lambda params, answer: {"error": error})
    with pytest.raises(CallRefused):
        client.ask(lambda: client.w3.eth.call({"to": RECEIVER.address, "data": "0x"}))
    assert first.count("eth_call") == 1


@pytest.mark.parametrize(
    ("method", "lie"),
    [
        ("eth_call", {"error": {"code": 3, "message": "reverted", "data": OFFCHAIN_LOOKUP}}),
        ("eth_getBlockByNumber", {"result": []}),
        ("eth_getBlockByNumber", {"result": {}}),
        ("eth_getBlockByNumber", {"result": 5}),
        ("eth_getTransactionReceipt", {"result": {}}),
        ("eth_getTransactionReceipt", {"result": {"status": {}, "gasUsed": "0x", "logs": 1}}),
    ],
    ids=str,
)
def test_an_answer_that_web3_stumbles_over_is_the_servers_fault_not_a_traceback(first, method, lie):
    client = connect(first.url)
    first.fail(method, lie=lambda params, answer: lie)
    questions = {
        "eth_call": lambda: client.ask(lambda: client.w3.eth.call({"to": RECEIVER.address})),
        "eth_getBlockByNumber": client.now,
        "eth_getTransactionReceipt": lambda: client.receipt(bytes(32)),
    }
    with pytest.raises(ChainError, match=r"127\.0\.0\.1|refused"):
        questions[method]()


def test_the_proxy_of_the_environment_is_used_unless_it_exempts_the_host(first, monkeypatch):
    for name in ("http_proxy", "no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", first.url)
    assert connect("http://rpc.invalid/key").chain_id == EMBEDDED_CHAIN_ID
    monkeypatch.setenv("no_proxy", "rpc.invalid")
    with pytest.raises(ChainUnreachable, match=r"rpc\.invalid"):
        connect("http://rpc.invalid/key")
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(InputError, match="NO_PROXY"):
        connect("http://127.0.0.1:9")
