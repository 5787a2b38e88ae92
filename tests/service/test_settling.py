"""Committee members that settle over HTTP: each signs only the root that it computed itself."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from chainrep.chain.reputation_roots import EpochState
from chainrep.errors import SigningRefused
from chainrep.node.indexer import MAX_LAG
from chainrep.node.member import Member
from chainrep.node.member_call import MemberCall
from chainrep.node.remote_signer import RemoteSettler
from chainrep.node.settling_member import SettlingMember
from chainrep.protocol.settlement import Settlement, recover_settler
from chainrep.service.member import MEMBER_LIMITS, member_app
from chainrep.service.server import HttpServer
from chainrep.store.db import open_store
from chainrep.store.signings import Signings
from tests.node.epoch_town import (
    ACCOUNTS,
    FALSE_HASH,
    FALSE_ROOT,
    KEEPER,
    LIAR,
    Town,
    own_anvil,
)


@pytest.fixture(scope="module")
def dispute(tmp_path_factory):
    """A town where a right root was proposed and challenged by a liar; nobody has settled it."""
    with own_anvil() as url:
        town = Town(url, tmp_path_factory.mktemp("town"))
        town.speak()
        epoch = town.end_epoch()
        assert town.node("honest", propose=True).work() == ["proposed"]
        found = town.roots.epoch(epoch)
        town.roots.challenge(epoch, found.root, found.snapshot_hash, LIAR.private_key)
        yield town, epoch


@pytest.fixture
def town(dispute, tmp_path):
    town, _ = dispute
    start = town.ask("evm_snapshot")
    town.home = tmp_path
    yield town
    assert town.ask("evm_revert", start)


@pytest.fixture(scope="module")
def members(dispute):
    """The URLs of two of the three members by address; each has its own index of the dispute."""
    town, served = dispute[0], {}
    with ExitStack() as stack:
        for account in ACCOUNTS[1:3]:
            node = town.node(account.address, account=None)
            node.index()
            session, roots = node.session, node.session.roots()
            signings = Signings(session.config.home / "signings.sqlite", "x")
            key = account.private_key
            member = Member(session.registry, session.ledger, signings, key, [KEEPER.address])
            settling = SettlingMember(
                roots,
                lambda s=session, r=roots: s.epoch_reader(open_store(s.config.store), r),
                key,
            )
            app = member_app(member, settling)
            server = stack.enter_context(HttpServer(app, limits=MEMBER_LIMITS))
            served[account.address] = server.url
        yield served


def settlement_of(town, epoch):
    committee, found = town.roots.committee(), town.roots.epoch(epoch)
    deadline = town.client.now() + 600
    place = (committee.version, committee.next_nonce, deadline, epoch, found.attempt)
    return Settlement(*place, found.root, found.snapshot_hash)


def asking(town, members, key=KEEPER.private_key):
    address, url = next(iter(members.items()))
    call = MemberCall(url, address, town.session.ledger.domain, key)
    return RemoteSettler(call, town.roots.domain)


def test_members_on_other_machines_settle_and_who_was_right_gets_both_bonds(town, dispute, members):
    epoch = dispute[1]
    node = town.node("one", members=members)
    assert node.work() == ["settled", "kept", "withdrew what was owed"]
    found = town.roots.epoch(epoch)
    assert (found.state, found.proposer) == (EpochState.FINAL, KEEPER.address)
    assert town.roots.owed(LIAR.address) == 0
    assert town.client.balance(town.roots.contract.address) == 0


def test_a_member_signs_the_root_that_it_computed_too(town, dispute, members):
    settlement = settlement_of(town, dispute[1])
    signer = asking(town, members)
    signature = signer.sign_settlement(settlement)
    assert recover_settler(settlement, town.roots.domain, signature) == signer.address


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"root": FALSE_ROOT}, "computed the root"),
        ({"snapshot_hash": FALSE_HASH}, "computed the root"),
        ({"nonce": 2}, "nonce 2"),
        ({"committee": 2}, "committee 2"),
        ({"attempt": 1}, "not challenged in attempt 1"),
        ({"epoch": 5}, "not challenged"),
        ({"deadline": 5}, "deadline"),
        ({"deadline": 2**40}, "deadline"),
    ],
)
def test_a_member_refuses_what_it_cannot_stand_for(town, dispute, members, change, reason):
    settlement = replace(settlement_of(town, dispute[1]), **change)
    with pytest.raises(SigningRefused, match=reason):
        asking(town, members).sign_settlement(settlement)


def test_a_member_whose_index_is_behind_the_chain_signs_nothing(town, dispute, members):
    settlement = settlement_of(town, dispute[1])
    town.ask("anvil_mine", MAX_LAG + 2)
    with pytest.raises(SigningRefused, match="behind the chain"):
        asking(town, members).sign_settlement(settlement)


def test_a_stranger_is_turned_away_and_another_contract_is_none_of_its_business(
    town, dispute, members
):
    settlement = settlement_of(town, dispute[1])
    with pytest.raises(SigningRefused, match="401"):
        asking(town, members, LIAR.private_key).sign_settlement(settlement)
    signer = asking(town, members)
    signer._domain = replace(signer._domain, contract=LIAR.address)
    with pytest.raises(SigningRefused, match="settles for"):
        signer.sign_settlement(settlement)


def test_one_member_alone_settles_nothing(town, members):
    address, url = next(iter(members.items()))
    assert town.node("one", members={address: url}).work() == []
