import httpx
import pytest

from chainrep.chain.client import connect
from chainrep.chain.devnet import EMBEDDED_CHAIN_ID, dev_accounts


def post(url, **content):
    with httpx.Client() as http:
        return http.post(url, timeout=60, **content)


def call(method, *params):
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}


def test_numbers_travel_as_hex_and_ids_come_back(embedded_url):
    reply = post(embedded_url, json=call("eth_chainId")).json()
    assert reply == {"jsonrpc": "2.0", "id": 7, "result": hex(EMBEDDED_CHAIN_ID)}


def test_an_array_of_calls_gets_an_array_of_answers(embedded_url):
    reply = post(embedded_url, json=[call("eth_blockNumber"), call("eth_gasPrice")]).json()
    assert [answer["result"] for answer in reply] == ["0x0", hex(10**9)]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"content": b"{not json"}, 400),
        ({"content": b"[" * 100_000}, 400),
        ({"json": []}, 400),
        ({"json": [call("eth_chainId")] * 1001}, 400),
        ({"content": b" " * (4 * 1024 * 1024 + 1)}, 413),
    ],
    ids=["no JSON", "bottomless JSON", "no calls", "too many calls", "too large"],
)
def test_requests_that_cannot_be_served_are_refused(embedded_url, content, status):
    reply = post(embedded_url, **content)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert connect(embedded_url).chain_id == EMBEDDED_CHAIN_ID


@pytest.mark.parametrize(
    "content",
    [{"id": 1}, {"method": 5}, {"method": "eth_chainId", "params": {}}, 12, call("eth_nonsense")],
)
def test_calls_that_make_no_sense_get_an_error_object(embedded_url, content):
    assert post(embedded_url, json=content).json()["error"]["code"] < 0


def test_the_published_accounts_are_funded(embedded_url):
    client = connect(embedded_url)
    assert all(client.balance(account.address) > 10**18 for account in dev_accounts(10))
