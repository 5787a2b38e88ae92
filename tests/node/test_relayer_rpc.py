"""The relayer behind servers that are slow, forgetful or lying, in front of a real anvil."""

import pytest

from chainrep.chain.client import connect
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.errors import ChainError, FalseAnswer
from chainrep.node.flush_policy import FlushPolicy
from tests.fakes.rpc_proxy import RpcProxy
from tests.node.anvil_chain import AnvilChain, judgement

GWEI = 10**9


@pytest.fixture
def chain(anvil_url, tmp_path):
    return AnvilChain(anvil_url, tmp_path / "home")


@pytest.fixture
def proxy(anvil_url):
    with RpcProxy(anvil_url, seed=3) as proxy:
        yield proxy


@pytest.fixture
def relayer(chain, proxy, tmp_path):
    session = chain.session_in(tmp_path / "node", connect(proxy.url))
    outbox = session.outbox()
    for number in range(4):
        outbox.put(judgement(f"k{number}", source=1 + number % 2))
    policy = FlushPolicy(flush_at=1, max_age=0, max_updates=1)
    return session.relayer(outbox, policy=policy)


def carry_on(chain, relayer, steps=60):
    """Step whatever fails, as a supervisor does, until nothing is left; the failures."""
    failures = []
    for _ in range(steps):
        try:
            progress = relayer.step()
        except ChainError as failure:
            failures.append(failure)
            continue
        if not progress.open and not progress.pending:
            break
        if progress.at_rest:
            chain.mine()
    assert chain.supported() == [200, 200, 0]
    assert relayer.outbox.count().applied == 4
    return failures


def test_a_server_that_takes_transactions_and_forgets_them_is_told_again(chain, proxy, relayer):
    proxy.fail("eth_sendRawTransaction", forget=True, times=3)
    assert carry_on(chain, relayer) == []
    assert len(relayer.batches.submissions(1)) == 1


def test_a_server_that_drops_requests_at_random_costs_nothing(chain, proxy, relayer):
    proxy.fail(drop=True, rate=0.1)
    carry_on(chain, relayer)


def test_a_server_that_hides_what_used_up_a_nonce_is_waited_for(chain, proxy, relayer):
    proxy.fail("eth_getLogs", lie=lambda params, answer: answer | {"result": []})
    for _ in range(8):
        progress = relayer.step()
    assert progress.at_rest
    assert "event that used up nonce 2" in progress.waits_for
    assert (progress.settled, progress.open) == ([], 2)
    proxy.clear()
    assert carry_on(chain, relayer) == []


def test_a_tip_that_nobody_pays_is_not_believed(chain, proxy, relayer):
    tip = hex(2_000 * GWEI)
    proxy.fail("eth_maxPriorityFeePerGas", lie=lambda params, answer: answer | {"result": tip})
    with pytest.raises(FalseAnswer, match="tip"):
        relayer.step()
    proxy.clear()
    assert carry_on(chain, relayer) == []


def test_a_server_that_refuses_every_fee_does_not_drive_them_up_without_end(chain, proxy, relayer):
    proxy.fail("eth_sendRawTransaction", error=(-32000, "transaction underpriced"))
    for _ in range(30):
        relayer.step()
        chain.mine()
    offered = relayer.batches.submissions(1)
    market = relayer.client.market_fees().maximum
    assert 1 < len(offered) < 30
    assert max(_maximum(t) for t in offered) <= 5 * market
    proxy.clear()
    carry_on(chain, relayer)


def _maximum(submission):
    return SignedTransaction(submission.hash, submission.raw).fees.maximum


def test_a_receipt_that_is_kept_back_leaves_the_batch_settled_without_a_figure(
    chain, proxy, relayer
):
    proxy.fail("eth_getTransactionReceipt", lie=lambda params, answer: answer | {"result": None})
    assert carry_on(chain, relayer) == []
