"""The fake is only of use if it does what a test tells it to."""

from hexbytes import HexBytes

from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from tests.fakes.rpc_proxy import RpcProxy

SENDER, RECEIVER = dev_accounts(2)
HEAD = "eth_blockNumber"


def test_it_drops_a_transaction_that_it_said_it_took(anvil_url):
    with RpcProxy(anvil_url) as proxy:
        client = connect(proxy.url)
        proxy.fail("eth_sendRawTransaction", forget=True, times=1)
        transaction = client.sign({"to": RECEIVER.address, "value": 1}, SENDER.private_key)
        sent = client.ask(lambda: client.w3.eth.send_raw_transaction(HexBytes(transaction.raw)))
        assert bytes(sent) == transaction.hash
        assert client.receipt(transaction.hash) is None
        client.broadcast(transaction)
        assert client.wait(transaction.hash).succeeded


def test_it_limits_log_queries_in_a_providers_words(embedded_url):
    with RpcProxy(embedded_url) as proxy:
        request = connect(proxy.url).w3.provider.make_request
        proxy.limit_logs(blocks=10, error=(-32602, "up to {limit} blocks"))
        wanted = {"fromBlock": "0x0", "toBlock": "0xa"}
        assert request("eth_getLogs", [wanted])["error"]["message"] == "up to 10 blocks"
        assert request("eth_getLogs", [wanted | {"toBlock": "0x0"}])["result"] == []


def test_it_draws_the_same_faults_from_the_same_seed(embedded_url):
    def drawn(seed):
        with RpcProxy(embedded_url, seed) as proxy:
            request = connect(proxy.url).w3.provider.make_request
            proxy.fail(HEAD, rate=0.5, error=(-32000, "drawn"))
            return ["error" in request(HEAD, []) for _ in range(60)]

    assert 15 < sum(drawn(1)) < 45
    assert drawn(1) == drawn(1) != drawn(2)
