import pytest

from chainrep.chain.client import connect
from chainrep.chain.devnet import EMBEDDED_CHAIN_ID, dev_accounts
from chainrep.errors import CallRefused, ChainUnreachable, InputError, TransactionLost, WrongChain

SENDER, RECEIVER = dev_accounts(2)
# Reverts with Error(string) would be explained by web3; this one reverts with unknown bytes.
REVERTING = bytes.fromhex("6f63deadbeef60e01b60005260246000fd60005260106010f3")


def test_an_unreachable_chain_is_named_with_a_way_out():
    with pytest.raises(ChainUnreachable, match=r"127\.0\.0\.1:9.*chainrep devnet start"):
        connect("http://127.0.0.1:9")


def test_something_that_is_no_url_is_misuse():
    with pytest.raises(InputError, match="no http"):
        connect("localhost:8545")


def test_another_chain_than_the_expected_one_is_refused(embedded_url):
    assert connect(embedded_url, EMBEDDED_CHAIN_ID).chain_id == EMBEDDED_CHAIN_ID
    with pytest.raises(WrongChain, match="not 1"):
        connect(embedded_url, expected_chain_id=1)


@pytest.mark.parametrize("chain", ["embedded_url", "anvil_url"])
def test_a_transaction_is_mined_once_however_often_it_is_sent(chain, request):
    client = connect(request.getfixturevalue(chain))
    before = client.balance(RECEIVER.address)
    transaction = client.sign({"to": RECEIVER.address, "value": 5}, SENDER.private_key)
    for _ in range(3):
        client.broadcast(transaction)
    assert client.wait(transaction.hash).succeeded
    assert client.balance(RECEIVER.address) == before + 5


def test_a_call_that_may_need_more_than_its_estimate_gets_it(client):
    call = {"to": RECEIVER.address}
    gas = [
        client.w3.eth.get_transaction(client.send(spared, SENDER.private_key).hash)["gas"]
        for spared in (call, call | {"spareGas": 50_000})
    ]
    assert gas[1] - gas[0] == 60_000


@pytest.mark.parametrize("chain", ["embedded_url", "anvil_url"])
def test_a_refusal_is_known_before_anything_is_sent(chain, request):
    client = connect(request.getfixturevalue(chain))
    contract = client.send({"data": "0x" + REVERTING.hex()}, SENDER.private_key).contract
    with pytest.raises(CallRefused, match="0xdeadbeef"):
        client.sign({"to": contract}, SENDER.private_key)


def test_waiting_for_a_transaction_that_never_comes_ends(client):
    with pytest.raises(TransactionLost, match="nothing is sent twice"):
        client.wait(bytes(32), seconds=0.1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v2/secret", "http://me:secret@127.0.0.1:9"])
def test_a_key_in_the_url_is_never_repeated(url):
    with pytest.raises(ChainUnreachable) as refusal:
        connect(url)
    assert "secret" not in str(refusal.value)
    assert "http://127.0.0.1:9 (connection refused)." in str(refusal.value)
