"""The keeper's money on a real chain: what waits is replaced, what was lost ends it."""

import logging
import time
from dataclasses import replace

import pytest

from chainrep.chain.client import Client
from chainrep.chain.reputation_roots import EpochState
from chainrep.cli.running_node import EpochPlan, epoch_part
from chainrep.config import Config
from chainrep.errors import (
    BondMissing,
    CallRefused,
    ChainError,
    EpochUnjudged,
    FalseAnswer,
    TransactionLost,
)
from chainrep.node.epoch_files import EpochFiles
from chainrep.node.epoch_watch import LOOKS_PER_STEP, EpochWatch
from chainrep.node.epochs import EpochPolicy
from chainrep.node.part import Doing, OpenPart, Part
from chainrep.node.supervisor import Supervisor
from chainrep.service.health import find_problems
from chainrep.service.metrics import NodeMetrics
from chainrep.session import bind_session
from tests.node.epoch_town import (
    ACCOUNTS,
    BOND,
    FALSE_ROOT,
    KEEPER,
    LIAR,
    TERMS,
    UNREACHABLE,
    Node,
    Town,
    own_anvil,
)
from tests.node.meddler import Meddler


@pytest.fixture(scope="module")
def first_day(tmp_path_factory):
    """A town where something was said; every test goes on from there."""
    with own_anvil() as url:
        town = Town(url, tmp_path_factory.mktemp("town"))
        town.speak()
        yield town


@pytest.fixture
def town(first_day, tmp_path):
    start = first_day.ask("evm_snapshot")
    first_day.home = tmp_path
    yield first_day
    first_day.ask("evm_setAutomine", True)
    assert first_day.ask("evm_revert", start)


@pytest.fixture
def impatient(monkeypatch):
    """Nothing is waited for longer than a moment."""
    real = Client.wait
    monkeypatch.setattr(Client, "wait", lambda self, sent: real(self, sent, 0.2))


def state(town, epoch):
    return town.roots.epoch(epoch).state


def nonces(town):
    ask = town.client.account_nonce
    return ask(KEEPER.address), ask(KEEPER.address, "pending")


class BadSettler:
    """Whatever it is asked, it fails in a way that nobody has thought of."""

    def can_settle(self):
        return True

    def sign(self, *_):
        raise CallRefused("The contract refused the call: SignerMismatch.", name="SignerMismatch")


def test_an_epoch_that_fails_keeps_no_other_one_from_being_looked_after(town):
    old = town.end_epoch()
    assert town.node("other", LIAR, propose=True).work() == ["proposed"]
    town.pass_time(TERMS.window)
    new = town.end_epoch()
    town.lie(new)
    node = town.node("one")
    node.keeper._settler = BadSettler()
    node.index()
    assert node.keeper.step().done == "challenged"
    done = [node.keeper.step().done, node.keeper.step().done]
    assert done == ["made final", "kept"]
    with pytest.raises(CallRefused, match="SignerMismatch"):
        node.keeper.step()
    assert (state(town, old), state(town, new)) == (EpochState.FINAL, EpochState.CHALLENGED)


def test_what_is_owed_is_taken_out_before_a_missing_bond_is_told(town):
    first = town.end_epoch()
    node = town.node("one", propose=True)
    assert node.work() == ["proposed"]
    town.pass_time(TERMS.window)
    town.roots.finalize(first, LIAR.private_key)
    town.lie(town.end_epoch())
    town.ask("anvil_setBalance", KEEPER.address, hex(BOND // 2))
    node.index()
    done = [node.keeper.step().done for _ in range(2)]
    assert done == ["withdrew what was owed", "challenged"]


def test_the_balance_has_to_cover_the_gas_at_its_highest_price_too(town):
    town.lie(town.end_epoch())
    town.ask("anvil_setBalance", KEEPER.address, hex(BOND + 10**9))
    with pytest.raises(BondMissing, match="for a bond and its gas"):
        town.node("one").work()
    assert nonces(town)[1] == nonces(town)[0]


def test_a_false_root_that_nobody_judged_in_time_is_told_and_never_made_final_by_us(town, caplog):
    town.ask("anvil_mine", 120)
    epoch = town.end_epoch()
    town.lie(epoch)
    blind, seeing = town.node("blind", confirmations=100), town.node("seeing")
    assert blind.work() == []
    town.pass_time(TERMS.window // 2)
    with pytest.raises(EpochUnjudged, match="half of its window is over"):
        blind.work()
    town.pass_time(TERMS.window)
    with pytest.raises(EpochUnjudged):
        blind.work()
    with caplog.at_level(logging.ERROR):
        assert seeing.work() == []
    assert f"its pending root 0x{FALSE_ROOT.hex()}" in caplog.text
    assert (state(town, epoch), *nonces(town)) == (EpochState.PENDING, nonces(town)[0], 0)


def test_a_trouble_is_shown_however_many_epochs_are_open(town):
    for _ in range(LOOKS_PER_STEP + 4):
        last = town.end_epoch()
    town.lie(last)
    session = town.node("one", account=None).session
    town.node("one", account=None).index()
    opened = []
    part = epoch_part(session, EpochPlan(EpochPolicy(False, BOND)), NodeMetrics())

    def open_part() -> OpenPart:
        opened.append(part.open())
        return opened[-1]

    clock = [0.0]

    def pause(stop, seconds):
        clock[0] += seconds
        if clock[0] > 300:
            stop.set()
        return stop.is_set()

    supervisor = Supervisor([Part("epochs", open_part)], clock=lambda: clock[0], pause=pause)
    supervisor.start()
    deadline = time.monotonic() + 120
    while clock[0] <= 300 and time.monotonic() < deadline:
        time.sleep(0.02)
    (found,) = supervisor.states()
    supervisor.stop()
    assert len(opened) == 1  # so that nothing that was computed is thrown away
    assert isinstance(found.failure, BondMissing)
    working = [replace(found, doing=Doing.BACKING_OFF)]
    assert "nothing well" in find_problems(working, clock[0], 120)[0]


def test_a_challenge_that_is_not_mined_is_replaced_and_not_sent_twice(town, impatient):
    first, second = town.end_epoch(), town.end_epoch()
    town.lie(first)
    node = town.node("one", bonds=1, members=UNREACHABLE)
    node.index()
    mined, _ = nonces(town)
    town.ask("evm_setAutomine", False)
    for _ in range(3):
        with pytest.raises(TransactionLost):
            node.keeper.step()
        assert nonces(town) == (mined, mined + 1)
    assert node.keeper._at_stake() == BOND
    town.ask("anvil_mine", 1)
    town.ask("evm_setAutomine", True)
    assert node.keep() == []
    town.lie(second)
    with pytest.raises(BondMissing, match="--max-bonds allows no challenge"):
        node.keep()
    assert nonces(town) == (mined + 1, mined + 1)
    assert town.roots.epoch(first).challenger == KEEPER.address


def test_a_node_that_was_restarted_replaces_what_it_sent_before(town, impatient):
    first, second = town.end_epoch(), town.end_epoch()
    town.lie(first)
    node = town.node("one", bonds=1, members=UNREACHABLE)
    node.index()
    mined, _ = nonces(town)
    town.ask("evm_setAutomine", False)
    with pytest.raises(TransactionLost):
        node.keeper.step()
    again = town.node("one", bonds=1, members=UNREACHABLE)
    for _ in range(3):  # the same fees are refused, then higher ones are taken
        with pytest.raises(ChainError, match=r"mined|underpriced"):
            again.keeper.step()
        assert again.keeper._at_stake() == BOND
    assert nonces(town) == (mined, mined + 1)
    town.ask("anvil_mine", 1)
    town.ask("evm_setAutomine", True)
    assert again.keep() == []
    town.lie(second)
    with pytest.raises(BondMissing, match="--max-bonds allows no challenge"):
        again.keep()
    assert nonces(town) == (mined + 1, mined + 1)


def test_what_is_less_urgent_waits_for_what_is_not_mined(town, impatient):
    old = town.end_epoch()
    assert town.node("other", LIAR, propose=True).work() == ["proposed"]
    town.pass_time(TERMS.window)
    town.lie(town.end_epoch())
    node = town.node("one", members=UNREACHABLE)
    node.index()
    mined, _ = nonces(town)
    town.ask("evm_setAutomine", False)
    with pytest.raises(TransactionLost, match="was not mined in"):
        node.keeper.step()
    assert nonces(town) == (mined, mined + 1)
    town.ask("anvil_mine", 1)
    town.ask("evm_setAutomine", True)
    assert node.keeper.step().done == "made final"
    assert state(town, old) is EpochState.FINAL


def lose_a_bond(town, node, epoch):
    """Let the node challenge what is right, and the committee say so."""
    right = town.node("judge", ACCOUNTS[3])
    right.index()
    town.node("proposer", LIAR, propose=True).work()
    node.index()
    reader = node.keeper._reader
    reader.digests = lambda _: (b"\1" * 20, b"\2" * 32)
    assert node.keeper.step().done == "challenged"
    del reader.digests
    assert "settled" in right.work()
    assert state(town, epoch) is EpochState.FINAL


def test_after_a_bond_was_lost_none_is_put_up_until_the_operator_says_so(town, caplog):
    epoch = town.end_epoch()
    node = town.node("one", members=UNREACHABLE)
    lose_a_bond(town, node, epoch)
    with pytest.raises(BondMissing, match=f"was lost in epoch {epoch}"):
        node.work()
    false = town.end_epoch()
    town.lie(false)
    spent = nonces(town)
    with pytest.raises(BondMissing, match=f"false root of epoch {false} .* lost in epoch {epoch}"):
        node.work()
    with pytest.raises(BondMissing, match="--resume-bonds"):
        town.node("one", members=UNREACHABLE).work()
    assert nonces(town) == spent
    assert f"was lost in epoch {epoch}" in caplog.text
    policy = EpochPolicy(False, BOND, resume=True)
    with_leave = Node(node.session, KEEPER, policy, None, UNREACHABLE)
    assert with_leave.work() == ["challenged"]


def test_a_bond_that_was_won_or_came_back_is_none_that_was_lost(town):
    reopened = town.end_epoch()
    town.lie(reopened)
    node = town.node("one", members=UNREACHABLE)
    assert node.work() == ["challenged"]
    town.pass_time(TERMS.window + TERMS.settle_time)
    assert node.work() == ["opened again", "withdrew what was owed"]
    assert town.node("other", LIAR, propose=True).work()[0] == "proposed"
    town.pass_time(TERMS.window)
    assert node.work() == ["made final", "kept"]
    won = town.end_epoch()
    town.lie(won)
    assert town.node("two").work()[:2] == ["challenged", "settled"]
    assert node.work() == ["kept"]


def test_an_attempt_that_failed_three_times_is_paid_for_no_more(town):
    """A server that calls a right root false: the contract refuses every challenge of it."""
    epoch = town.end_epoch()
    assert town.node("other", LIAR, propose=True).work() == ["proposed"]
    selector = town.roots.contract.functions.epochOf(epoch)._encode_transaction_data()

    def meddle(method, params, response):
        if method == "eth_call" and params[0]["data"] == selector:
            return {**response, "result": "0x" + "66" * 20 + response["result"][42:]}
        if method == "eth_estimateGas":
            return {"jsonrpc": "2.0", "id": response["id"], "result": hex(200_000)}
        return response

    liar = Meddler(town.client)
    liar.meddle = meddle
    config = Config(town.home / "fooled", town.session.config.rpc, None)
    session = bind_session(config, Client(liar, "the liar"), town.session.deployment)
    node = Node(session, KEEPER, EpochPolicy(False, BOND), None, UNREACHABLE)
    node.index()
    mined, _ = nonces(town)
    for count in (1, 2, 3):
        with pytest.raises(CallRefused, match="mined but failed"):
            node.keeper.step()
        assert nonces(town) == (mined + count, mined + count)
    for _ in range(2):
        with pytest.raises(CallRefused, match=f"3 transactions for epoch {epoch} failed"):
            node.keeper.step()
    assert nonces(town) == (mined + 3, mined + 3)
    assert town.client.balance(KEEPER.address) > 0


def test_a_time_far_ahead_of_this_machines_clock_is_refused(town):
    town.end_epoch()
    node = town.node("one")
    node.index()
    keeper, now = node.keeper, town.client.now()
    keeper._max_ahead, keeper._clock = 600, lambda: now - 601
    with pytest.raises(FalseAnswer, match="601 s ahead"):
        keeper.step()
    keeper._clock = lambda: now - 600
    assert keeper.step().at_rest


def test_the_disk_is_asked_about_a_few_epochs_in_a_step(town, monkeypatch):
    asked = []
    real = EpochFiles.decided
    monkeypatch.setattr(
        EpochFiles, "decided", lambda files, epoch: asked.append(epoch) or real(files, epoch)
    )
    for _ in range(LOOKS_PER_STEP + 8):
        town.end_epoch()
    watch = EpochWatch(town.roots, town.node("one").files)
    assert not watch.look(town.client.now(), [])
    assert len(asked) >= LOOKS_PER_STEP + 8
    asked.clear()
    assert watch.look(town.client.now(), [])
    assert asked == []


def test_an_epoch_whose_note_is_deleted_while_the_node_runs_is_kept_again(town):
    epoch = town.end_epoch()
    node = town.node("one", propose=True)
    assert node.work() == ["proposed"]
    town.pass_time(TERMS.window)
    assert "kept" in node.work()
    (node.files.folder / f"{epoch}.json").unlink()
    assert node.work() == ["kept"]
    assert node.files.decided(epoch)
