"""The keeper of epochs on a real chain: what it proposes, believes, disputes, and pays."""

import logging
from dataclasses import replace

import pytest

from chainrep.chain.reputation_roots import EpochState
from chainrep.errors import BondMissing, ConfigError, FalseAnswer
from chainrep.session import bind_session
from tests.node.epoch_town import (
    BOND,
    FALSE_HASH,
    FALSE_ROOT,
    KEEPER,
    LIAR,
    SOURCE_OWNER,
    TERMS,
    UNREACHABLE,
    Town,
    own_anvil,
)


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
    assert first_day.ask("evm_revert", start)


def state(town, epoch):
    return town.roots.epoch(epoch).state


def test_a_right_root_of_somebody_else_is_left_alone_and_made_final(town):
    epoch = town.end_epoch()
    assert town.node("one", LIAR, propose=True).work() == ["proposed"]
    watcher = town.node("two")
    assert watcher.work() == []
    town.pass_time(TERMS.window)
    assert watcher.work() == ["made final", "kept"]
    assert watcher.work() == []
    assert watcher.files.epoch(epoch).right
    assert town.roots.owed(LIAR.address) == BOND


def test_a_right_root_over_a_false_snapshot_hash_is_challenged(town):
    epoch = town.end_epoch()
    node = town.node("one")
    node.index()
    right = node.reader.compute(epoch)
    town.lie(epoch, right.root, FALSE_HASH)
    assert node.work()[:2] == ["challenged", "settled"]
    assert town.roots.epoch(epoch).snapshot_hash == right.snapshot_hash


def test_nothing_is_judged_before_the_index_is_deep_enough(town):
    epoch = town.end_epoch()
    town.lie(epoch)
    node = town.node("one", confirmations=4)
    assert node.work() == []
    town.ask("anvil_mine", 2)
    assert node.work() == []
    town.ask("anvil_mine", 1)
    assert "challenged" in node.work()


def test_nothing_is_judged_on_an_index_that_no_contract_has_confirmed(town):
    town.lie(town.end_epoch())
    node = town.node("one")
    node.index()
    node.db.execute("UPDATE checkpoint SET verified = 0")
    assert node.keep() == []
    assert "challenged" in node.work()


def test_a_node_that_was_restarted_challenges_nothing_twice_and_remembers_its_bonds(town):
    town.end_epoch()
    town.lie(town.end_epoch())
    node = town.node("one", propose=True, members=UNREACHABLE)
    assert node.work() == ["challenged", "proposed"]
    again = town.node("one", propose=True, members=UNREACHABLE)
    assert again.work() == []
    assert again.keeper.step().bonds == 2 * BOND


def test_a_node_that_comes_second_sends_nothing_and_goes_on(town, monkeypatch):
    epoch = town.end_epoch()
    town.lie(epoch)
    slow = town.node("two", LIAR)
    slow.index()
    answers = [town.roots.epoch(epoch)]
    assert town.node("one", members=UNREACHABLE).work() == ["challenged"]
    looks = slow.keeper._roots
    real = looks.epoch
    monkeypatch.setattr(looks, "epoch", lambda *at: answers.pop() if answers else real(*at))
    before = town.client.balance(LIAR.address)
    assert slow.keeper.step().done == ""
    assert (answers, town.client.balance(LIAR.address)) == ([], before)
    assert town.roots.epoch(epoch).challenger == KEEPER.address


def test_a_challenge_that_nobody_settles_is_reopened_and_both_bonds_go_back(town):
    epoch = town.end_epoch()
    town.lie(epoch)
    node = town.node("one", propose=True, members=UNREACHABLE)
    assert node.work() == ["challenged"]
    town.pass_time(TERMS.window + TERMS.settle_time)
    assert node.work() == ["opened again", "proposed", "withdrew what was owed"]
    assert town.roots.owed(LIAR.address) == BOND
    found = town.roots.epoch(epoch)
    assert (found.attempt, found.proposer) == (1, KEEPER.address)


def test_proposals_leave_one_bond_for_a_challenge(town):
    older, newer = town.end_epoch(), town.end_epoch()
    node = town.node("one", propose=True, bonds=2)
    assert node.work() == ["proposed"]
    assert (state(town, newer), state(town, older)) == (EpochState.PENDING, EpochState.OPEN)
    town.lie(older)
    assert node.work() == ["challenged", "settled", "kept", "withdrew what was owed"]


def test_a_keeper_that_may_put_up_too_little_is_refused(town):
    with pytest.raises(ConfigError, match="--max-bonds"):
        town.node("one", propose=True, bonds=1)
    with pytest.raises(ConfigError, match="--max-bonds"):
        town.node("one", bonds=0)


def test_a_false_root_that_no_bond_is_left_for_fails_the_part_after_all_else_is_done(town):
    first, second = town.end_epoch(), town.end_epoch()
    town.lie(first)
    town.lie(second)
    node = town.node("one", bonds=1, members=UNREACHABLE)
    with pytest.raises(BondMissing, match=f"epoch {first} is pending"):
        node.work()
    assert state(town, second) is EpochState.CHALLENGED


def test_an_account_without_the_bond_is_told_of(town):
    town.lie(town.end_epoch())
    town.ask("anvil_setBalance", KEEPER.address, hex(BOND))
    with pytest.raises(BondMissing, match="less than is needed for a bond"):
        town.node("one").work()


def test_a_node_without_a_key_tells_of_a_false_root_and_keeps_right_ones(town):
    first, second = town.end_epoch(), town.end_epoch()
    assert town.node("one", propose=True).work() == ["proposed", "proposed"]
    town.pass_time(TERMS.window)
    third = town.end_epoch()
    node = town.node("reader", account=None)
    town.lie(third)
    with pytest.raises(BondMissing, match="no key"):
        node.work()
    town.roots.finalize(first, LIAR.private_key)
    with pytest.raises(BondMissing, match="no key"):
        node.work()
    assert node.files.epochs() == [first]
    assert state(town, third) is EpochState.PENDING
    assert state(town, second) is EpochState.PENDING


def test_another_root_that_became_final_is_told_loudly_and_both_are_kept(town, caplog):
    epoch = town.end_epoch()
    town.lie(epoch)
    town.pass_time(TERMS.window)
    town.roots.finalize(epoch, LIAR.private_key)
    node = town.node("one")
    with caplog.at_level(logging.ERROR):
        assert node.work() == ["kept, although another root is final"]
    assert f"the FINAL root 0x{FALSE_ROOT.hex()}" in caplog.text
    kept = node.files.epoch(epoch)
    assert (kept.right, kept.final_root) == (False, FALSE_ROOT)
    assert node.files.tree(kept).root == kept.root
    assert town.node("one").work() == []


def test_an_epoch_is_kept_once_its_end_is_deep_enough_to_stay(town):
    epoch = town.end_epoch()
    node = town.node("one", propose=True, confirmations=3)
    node.index()
    town.ask("anvil_mine", 3)
    assert node.work() == ["proposed"]
    town.pass_time(TERMS.window)
    assert node.work() == ["made final", "withdrew what was owed"]
    assert not node.files.decided(epoch)
    town.ask("anvil_mine", 1)
    assert node.work() == ["kept"]


def test_a_change_of_owner_that_a_server_kept_back_stops_every_judgement(town):
    town.session.registry.rotate(1, SOURCE_OWNER.private_key, LIAR.private_key)
    epoch = town.end_epoch()
    town.lie(epoch)
    node = town.node("one")
    node.index()
    node.db.execute("DELETE FROM event WHERE name = 'SourceRotated'")
    with pytest.raises(FalseAnswer, match="Source 1 changed hands 1 times"):
        node.keep()
    assert state(town, epoch) is EpochState.PENDING


def test_a_formula_that_the_contract_is_not_bound_to_is_refused(town):
    deployment = town.session.deployment
    for formula, words in (("", "no formula"), ("{}", "cannot be read"), (OTHER, "not the one")):
        other = replace(deployment, formula=formula)
        session = bind_session(town.session.config, town.client, other)
        with pytest.raises(ConfigError, match=words):
            session.formula(session.roots())


OTHER = (
    '{"caps":[4096,16384,16384,32768,32768],"half_life":15552000,"name":"chainrep public score 1",'
    '"seeds":["0x01"],"stop":32768}'
)
