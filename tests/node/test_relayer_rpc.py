"""The relayer behind servers that are slow, forgetful or lying, in front of a real anvil."""

from dataclasses import replace
from itertools import count

import pytest

from chainrep.chain.client import connect
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.errors import CallRefused, ChainError, FalseAnswer, TransactionLost
from chainrep.node.carrier import MAX_FAILURES
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.pacing import Budget
from chainrep.protocol.keccak import keccak
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


def test_a_transaction_that_is_never_mined_ends_a_flush_though_blocks_come(chain, proxy, relayer):
    proxy.fail("eth_sendRawTransaction", forget=True)
    chain.ask("evm_setIntervalMining", 1)
    with pytest.raises(TransactionLost, match="Nothing has moved"):
        list(relayer.flush(stalled_seconds=3))
    chain.ask("evm_setAutomine", True)
    proxy.clear()
    assert carry_on(chain, relayer) == []


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


def test_a_server_that_lies_about_account_nonces_costs_a_few_transactions_at_most(
    chain, proxy, relayer
):
    told = count(50)

    def one_more(params, answer):
        return answer | {"result": hex(next(told))}

    proxy.fail("eth_getTransactionCount", lie=one_more)
    proxy.fail("eth_getTransactionReceipt", lie=lambda params, answer: answer | {"result": None})
    proxy.fail("eth_sendRawTransaction", forget=True)
    for _ in range(MAX_FAILURES):
        relayer.step()
    with pytest.raises(CallRefused, match="account nonce"):
        relayer.step()
    assert len(relayer.batches.submissions(1)) == MAX_FAILURES
    proxy.clear()
    relayer.close()


def test_a_batch_sealed_for_a_nonce_that_a_server_made_up_is_restated(chain, proxy, relayer):
    proxy.fail("eth_call", lie=far_nonce)
    relayer.step()
    (batch,) = relayer.batches.open()
    assert batch.nonce == 1_000_000
    proxy.clear()
    assert carry_on(chain, relayer) == []


def far_nonce(params, answer):
    """The committee's second word is the next nonce."""
    if params[0]["data"] != "0x" + keccak(b"committee()")[:4].hex():
        return answer
    words = answer["result"]
    return answer | {"result": words[:66] + f"{1_000_000:064x}" + words[130:]}


def test_what_was_set_aside_on_a_servers_word_can_be_sent_all_the_same(chain, proxy, relayer):
    proxy.fail("eth_call", lie=no_sources)
    relayer.step()
    assert relayer.outbox.count().refused == 4
    proxy.clear()
    assert relayer.outbox.retry(["k0"]) == 1
    assert relayer.outbox.retry() == 3
    assert carry_on(chain, relayer) == []


def test_a_server_that_forgets_sources_sets_nothing_aside_that_was_known(chain, proxy, relayer):
    relayer.step()
    proxy.fail("eth_call", lie=no_sources)
    relayer.outbox.put(judgement("late", source=2))
    relayer.step()
    assert relayer.outbox.count().refused == 0


def no_sources(params, answer):
    asked = params[0]["data"] == "0x" + keccak(b"sourceCount()")[:4].hex()
    return answer | {"result": "0x" + "0" * 64} if asked else answer


def test_a_receipt_that_costs_nothing_gives_three_quarters_of_the_reserve_back_at_most(
    chain, proxy, relayer
):
    budget = Budget(wei_per_day=10**18)
    relayer.policy = replace(relayer.policy, budget=budget, max_updates=2)
    relayer.carrier.policy = relayer.policy
    proxy.fail("eth_getTransactionReceipt", lie=free_of_charge)
    for _ in range(40):
        if relayer.step().settled:
            break
        chain.pass_time(600)
        chain.mine()
    reserved = sum(s.reserved for s in relayer.batches.submissions(1))
    assert reserved > 0
    assert relayer.batches.paces.load().spent == reserved - (reserved - reserved // 4)


def free_of_charge(params, answer):
    return answer | {"result": answer["result"] and answer["result"] | {"gasUsed": "0x0"}}


def test_a_block_number_that_no_chain_has_is_refused(chain, proxy, relayer):
    proxy.fail(
        "eth_getBlockByNumber",
        lie=lambda params, answer: answer | {"result": answer["result"] | {"number": hex(2**63)}},
    )
    with pytest.raises(ChainError):
        relayer.step()
    proxy.clear()
    assert carry_on(chain, relayer) == []


def test_a_chain_in_the_future_stops_the_relayer_before_anything_is_judged_by_its_time(
    chain, relayer
):
    relayer._max_ahead = 600
    chain.pass_time(30 * 86_400)
    chain.mine()
    with pytest.raises(ChainError, match="ahead of this machine's clock"):
        relayer.step()
    count = relayer.outbox.count()
    assert (count.pending, count.refused) == (4, 0)


def _maximum(submission):
    return SignedTransaction(submission.hash, submission.raw).fees.maximum


def test_a_receipt_that_is_kept_back_leaves_the_batch_settled_without_a_figure(
    chain, proxy, relayer
):
    proxy.fail("eth_getTransactionReceipt", lie=lambda params, answer: answer | {"result": None})
    assert carry_on(chain, relayer) == []
