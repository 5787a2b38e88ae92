"""What a real chain does to transactions: dropped, stuck, overtaken, taken back."""

import threading

import pytest
from eth_account import Account

from chainrep.chain.client import connect
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.errors import CallRefused, StoreBusy
from chainrep.node.carrier import MAX_FAILURES, PATIENCE_BLOCKS, PATIENCE_SECONDS
from chainrep.node.flush_policy import FlushPolicy
from chainrep.node.relayer import Relayer
from tests.node.anvil_chain import ACCOUNTS, AnvilChain, judgement

SEND_ALL = FlushPolicy(flush_at=1, max_age=0)
GWEI = 10**9


@pytest.fixture
def chain(anvil_url, tmp_path):
    chain = AnvilChain(anvil_url, tmp_path / "home")
    chain.ask("evm_setAutomine", False)
    return chain


@pytest.fixture
def outbox(chain):
    return chain.session.outbox()


def relayer_on(chain, outbox, confirmations=1, session=None, **policy):
    policy = FlushPolicy(**{"flush_at": 1, "max_age": 0} | policy)
    session = session or chain.session
    return session.relayer(outbox, confirmations=confirmations, policy=policy)


def drive(chain, relayer, steps=60):
    """Step and mine until nothing is left."""
    settled = []
    for _ in range(steps):
        progress = relayer.step()
        settled += progress.settled
        if not progress.open and not progress.pending:
            return settled
        chain.mine()
    pytest.fail(f"still waits for {progress.waits_for}")


def sent_by(relayer, batch=1):
    return [SignedTransaction(s.hash, s.raw) for s in relayer.batches.submissions(batch)]


def let_it_get_stuck(chain):
    """Blocks that leave the transaction out, and the time that they take."""
    for transaction in chain.waiting():
        chain.ask("anvil_dropTransaction", transaction["hash"])
    chain.pass_time(PATIENCE_SECONDS)
    chain.mine(PATIENCE_BLOCKS)


def test_a_step_never_waits_for_the_chain(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    first, second = relayer.step(), relayer.step()
    assert (first.open, first.at_rest) == (1, False)
    assert (second.open, second.at_rest, second.waits_for) == (1, True, "its block")
    chain.mine()
    (batch,) = relayer.step().settled
    assert batch.receipt.succeeded


def test_a_batch_is_settled_once_it_has_its_confirmations(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox, confirmations=4)
    relayer.step()
    for to_go in (3, 2, 1):
        chain.mine()
        progress = relayer.step()
        assert (progress.settled, progress.waits_for) == ([], f"{to_go} more confirmations")
    chain.mine()
    assert [batch.nonce for batch in relayer.step().settled] == [1]


def test_the_next_batch_does_not_wait_for_the_confirmations_of_the_one_before(chain, outbox):
    relayer = relayer_on(chain, outbox, confirmations=10)
    for number in range(3):
        outbox.put(judgement(f"k{number}"))
        relayer.step()
        chain.mine()
    assert chain.supported()[0] == 300
    assert relayer.step().open == 3
    assert [batch.nonce for batch in drive(chain, relayer)] == [1, 2, 3]


def test_a_transaction_that_the_server_forgot_is_broadcast_again(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    chain.ask("anvil_dropTransaction", "0x" + sent_by(relayer)[0].hash.hex())
    chain.mine()
    drive(chain, relayer)
    assert len(sent_by(relayer)) == 1
    assert chain.supported()[0] == 100


def test_a_stuck_transaction_is_replaced_with_fees_that_servers_accept(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    let_it_get_stuck(chain)
    relayer.step()
    first, second = sent_by(relayer)
    assert second.nonce == first.nonce
    assert second.fees.maximum * 1000 >= first.fees.maximum * 1125
    assert second.fees.tip * 1000 >= first.fees.tip * 1125
    drive(chain, relayer)
    assert chain.supported()[0] == 100


def test_whichever_of_two_rivals_is_mined_the_batch_is_settled(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    let_it_get_stuck(chain)
    relayer.step()
    first, second = sent_by(relayer)
    chain.ask("anvil_dropTransaction", "0x" + second.hash.hex())
    chain.client.broadcast(first)
    (batch,) = drive(chain, relayer)
    assert batch.receipt.hash == first.hash


def test_above_the_ceiling_nothing_is_sealed_and_below_it_goes_on(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox, max_fee=10 * GWEI)
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    chain.mine()
    progress = relayer.step()
    assert (progress.pending, progress.open, progress.at_rest) == (1, 0, True)
    assert "fee" in progress.waits_for
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(2 * GWEI))
    chain.mine()
    drive(chain, relayer)
    assert sent_by(relayer)[0].fees.maximum <= 10 * GWEI
    assert chain.supported()[0] == 100


def test_a_base_fee_that_rises_above_the_offer_is_followed(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(300 * GWEI))
    chain.mine()
    assert chain.supported()[0] == 0
    chain.pass_time(PATIENCE_SECONDS)
    drive(chain, relayer)
    assert sent_by(relayer)[-1].fees.maximum > 300 * GWEI
    assert chain.supported()[0] == 100


def test_a_ceiling_holds_for_replacements_too(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox, max_fee=4 * GWEI)
    relayer.step()
    for _ in range(4):
        let_it_get_stuck(chain)
        relayer.step()
    assert all(transaction.fees.maximum <= 4 * GWEI for transaction in sent_by(relayer))
    drive(chain, relayer)
    assert chain.supported()[0] == 100


@pytest.mark.parametrize("max_fee", [None, 450 * GWEI])
def test_what_was_forgotten_in_dear_times_is_sent_again_in_cheap_ones(chain, outbox, max_fee):
    """A replacement would offer more than is allowed, or far more than the market: no need."""
    outbox.put(judgement("a"))
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(200 * GWEI))
    chain.mine()
    relayer = relayer_on(chain, outbox, max_fee=max_fee)
    relayer.step()
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(2 * GWEI))
    let_it_get_stuck(chain)
    drive(chain, relayer)
    assert len(sent_by(relayer)) == 1
    assert chain.supported()[0] == 100


def test_a_batch_signed_anew_is_sent_though_its_last_transaction_was_dear(chain, outbox):
    outbox.put(judgement("a"))
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(200 * GWEI))
    chain.mine()
    relayer = relayer_on(chain, outbox, max_fee=450 * GWEI)
    relayer.step()
    chain.ask("anvil_setNextBlockBaseFeePerGas", hex(2 * GWEI))
    let_it_get_stuck(chain)
    chain.pass_time(2 * 3_600)  # its report expires
    chain.mine()
    drive(chain, relayer)
    assert len(sent_by(relayer)) > 1
    assert chain.supported()[0] == 100


def test_an_account_nonce_that_went_to_something_else_is_made_good(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    (first,) = sent_by(relayer)
    chain.ask("anvil_dropTransaction", "0x" + first.hash.hex())
    chain.client.broadcast(
        chain.client.sign({"to": ACCOUNTS[9].address, "value": 1}, ACCOUNTS[0].private_key)
    )
    chain.mine()
    drive(chain, relayer)
    assert [transaction.nonce - first.nonce for transaction in sent_by(relayer)] == [0, 1]
    assert chain.supported()[0] == 100


def test_a_gap_in_the_accounts_nonces_is_filled(chain, outbox):
    other = chain.client.sign({"to": ACCOUNTS[9].address, "value": 1}, ACCOUNTS[0].private_key)
    chain.client.broadcast(other)
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()  # queued behind the other transaction, which is then forgotten
    assert sent_by(relayer)[0].nonce == other.nonce + 1
    let_it_get_stuck(chain)
    drive(chain, relayer)
    assert sent_by(relayer)[-1].nonce == other.nonce
    assert chain.supported()[0] == 100


def test_a_batch_that_somebody_else_sent_counts_as_applied(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    relayer.step()
    chain.ask("anvil_dropTransaction", "0x" + sent_by(relayer)[0].hash.hex())
    call = chain.session.ledger.batch_call(relayer.batches.open()[0].signed)
    chain.client.broadcast(chain.client.sign(call, ACCOUNTS[8].private_key))
    chain.mine()
    (batch,) = drive(chain, relayer)
    assert batch.receipt is None
    assert chain.supported()[0] == 100


def test_a_batch_that_fails_again_and_again_is_reported_and_kept(chain, outbox, monkeypatch):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    monkeypatch.setattr(chain.client, "sign", lambda call, *given: failing(chain, *given))
    for _ in range(MAX_FAILURES):
        relayer.step()
        chain.mine()
    with pytest.raises(CallRefused, match="3 transactions for batch 1 failed"):
        relayer.step()
    assert outbox.count().in_flight == 1


def failing(chain, key, fees, nonce):
    """A transaction that is taken and mined, but that the ledger knows nothing of."""
    fields = {
        "to": chain.session.deployment.score_ledger, "data": "0xdeadbeef", "gas": 30_000,
        "value": 0, "type": 2, "chainId": chain.client.chain_id, "maxFeePerGas": fees.maximum,
        "maxPriorityFeePerGas": fees.tip,
        "nonce": chain.client.account_nonce(ACCOUNTS[0].address) if nonce is None else nonce,
    }  # fmt: skip
    signed = Account.sign_transaction(fields, key)
    return SignedTransaction(bytes(signed.hash), bytes(signed.raw_transaction))


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8, 13, 20])
def test_a_reorganisation_takes_batches_back_and_they_are_sent_again(chain, outbox, depth):
    chain.mine(20)
    relayer = relayer_on(chain, outbox, confirmations=25)
    for number in range(6):
        outbox.put(judgement(f"k{number}", source=1 + number % 3))
        relayer.step()
        chain.mine()
    relayer.step()
    chain.ask("anvil_reorg", depth, [])
    assert chain.session.ledger.committee().next_nonce == max(1, 7 - depth)
    for transaction in chain.waiting():  # the hardest case: nobody remembers them
        chain.ask("anvil_dropTransaction", transaction["hash"])
    drive(chain, relayer, steps=120)
    assert chain.supported() == [200, 200, 200]
    assert outbox.count().applied == 6


def test_what_another_relayer_took_and_a_reorganisation_gave_back_is_counted_once(
    chain, outbox, tmp_path
):
    """It would count twice if a batch that lost its nonce were signed anew at once."""
    outbox.put(judgement("ours"))
    ours = relayer_on(chain, outbox, confirmations=6)
    other_session = chain.session_in(tmp_path / "other")
    theirs_outbox = other_session.outbox()
    theirs_outbox.put(judgement("theirs", source=2))
    theirs = other_session.relayer(
        theirs_outbox, ACCOUNTS[9].private_key, confirmations=6, policy=SEND_ALL
    )
    ours.step()
    (first,) = sent_by(ours)
    chain.ask("anvil_dropTransaction", "0x" + first.hash.hex())
    theirs.step()
    chain.mine()
    progress = ours.step()
    assert "the loss of nonce 1 is certain" in progress.waits_for
    chain.ask("anvil_reorg", 1, [])
    for transaction in chain.waiting():
        chain.ask("anvil_dropTransaction", transaction["hash"])
    chain.client.broadcast(first)  # somebody kept it
    chain.mine()
    for _ in range(40):
        ours.step()
        theirs.step()
        chain.mine()
    assert chain.supported() == [100, 100, 0]
    assert (outbox.count().applied, theirs_outbox.count().applied) == (1, 1)


def test_two_relayers_of_two_outboxes_race_and_both_arrive(chain, tmp_path):
    rivals = []
    for name, account in (("left", 0), ("right", 9)):
        session = chain.session_in(tmp_path / name)
        outbox = session.outbox()
        for number in range(5):
            outbox.put(judgement(f"{name}{number}", source=1 + number % 3))
        policy = FlushPolicy(flush_at=1, max_age=0, max_updates=1)
        relayer = session.relayer(
            outbox, ACCOUNTS[account].private_key, confirmations=2, policy=policy
        )
        rivals.append((outbox, relayer))
    for _ in range(80):
        for _, relayer in rivals:
            relayer.step()
        chain.mine()
    assert [outbox.count().applied for outbox, _ in rivals] == [5, 5]
    assert sum(chain.supported()) == 1_000


def test_two_relayers_of_one_outbox_send_everything_once(chain, tmp_path):
    chain.ask("evm_setAutomine", True)
    home = tmp_path / "shared"
    outbox = chain.session_in(home).outbox()
    for number in range(30):
        outbox.put(judgement(f"k{number}", source=1 + number % 3))
    busy, failures = [], []

    def flush():
        session = chain.session_in(home, connect(chain.url))
        while True:
            try:
                list(session.relayer(session.outbox()).flush(max_updates=1))
                return
            except StoreBusy as refusal:
                busy.append(str(refusal))
            except Exception as error:  # noqa: BLE001 (the test reports it)
                failures.append(error)
                return

    threads = [threading.Thread(target=flush) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert any("is sending the feedback" in refusal for refusal in busy)
    assert chain.supported() == [1_000, 1_000, 1_000]
    assert outbox.count().applied == 30


def test_a_relayer_that_lost_its_lease_changes_nothing_more(chain, outbox):
    outbox.put(judgement("a"))
    relayer = relayer_on(chain, outbox)
    assert isinstance(relayer, Relayer)
    relayer.batches.lease.take()
    with pytest.raises(StoreBusy):
        relayer_on(chain, chain.session.outbox()).step()
    relayer.close()
    drive(chain, relayer_on(chain, chain.session.outbox()))
    assert chain.supported()[0] == 100
