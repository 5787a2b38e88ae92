"""Getting a settlement signed: one member that is not honest keeps nobody from settling."""

import pytest

from chainrep.chain.reputation_roots import EpochState
from chainrep.errors import CallRefused, QuorumNotMet
from chainrep.node.settler import KeySettler, Settler
from chainrep.protocol.settlement import SignedSettlement
from chainrep.protocol.typed_data import join_signatures
from tests.node.epoch_town import ACCOUNTS, FALSE_HASH, FALSE_ROOT, KEEPER, LIAR, Town, own_anvil

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = {account.address: account.private_key for account in ACCOUNTS}


class InAnotherForm(KeySettler):
    """A member whose signature is its own, and yet not the one that the contract takes."""

    def sign_settlement(self, settlement):
        signature = super().sign_settlement(settlement)
        other = ORDER - int.from_bytes(signature[32:64])
        return signature[:32] + other.to_bytes(32) + bytes([55 - signature[64]])


class ByAnother(KeySettler):
    """A member that has somebody else sign."""

    def sign_settlement(self, settlement):
        return KeySettler(self._domain, KEYS[LIAR.address]).sign_settlement(settlement)


@pytest.fixture(scope="module")
def dispute(tmp_path_factory):
    """A town where a false root was proposed and challenged; nobody has settled it."""
    with own_anvil() as url:
        town = Town(url, tmp_path_factory.mktemp("town"))
        epoch = town.end_epoch()
        town.lie(epoch)
        town.roots.challenge(epoch, FALSE_ROOT, FALSE_HASH, KEEPER.private_key)
        yield town, epoch


def settler(town, *kinds):
    """Asks the committee's members, which are of these kinds in turn."""
    members = town.roots.committee().members
    pairs = zip(kinds, members, strict=True)
    return Settler(town.roots, [kind(town.roots.domain, KEYS[member]) for kind, member in pairs])


def joined(settlement, domain, members, signatures):
    return SignedSettlement(settlement, *join_signatures(members, signatures))


def sign(town, epoch, by):
    return by.sign(epoch, town.roots.epoch(epoch), b"\x01" * 20, b"\x02" * 32)


@pytest.mark.parametrize("bad", [InAnotherForm, ByAnother])
@pytest.mark.parametrize("place", [0, 1])
def test_a_member_whose_answer_no_contract_takes_is_left_out_and_the_next_one_asked(
    dispute, bad, place
):
    town, epoch = dispute
    kinds = [KeySettler] * 3
    kinds[place] = bad
    signed = sign(town, epoch, settler(town, *kinds))
    assert signed.signer_mask == 0b111 ^ 1 << place
    start = town.ask("evm_snapshot")
    town.roots.settle(signed, KEEPER.private_key)
    assert town.roots.epoch(epoch).state is EpochState.FINAL
    assert town.ask("evm_revert", start)


def test_a_signature_that_only_the_contract_finds_wrong_costs_its_member_the_vote(
    dispute, monkeypatch
):
    town, epoch = dispute
    # As if this side checked nothing: the contract's word alone decides.
    monkeypatch.setattr(
        Settler, "_ask", lambda self, member, wanted: self._signers[member].sign_settlement(wanted)
    )
    monkeypatch.setattr("chainrep.node.settler.collect_settlement", joined)
    signed = sign(town, epoch, settler(town, KeySettler, ByAnother, KeySettler))
    assert signed.signer_mask == 0b101
    with pytest.raises(QuorumNotMet, match="the contract refuses its signature"):
        sign(town, epoch, settler(town, KeySettler, ByAnother, ByAnother))


def test_what_the_contract_refuses_whoever_signs_is_no_members_fault(dispute):
    town, epoch = dispute
    with pytest.raises(CallRefused) as refusal:
        sign(town, epoch + 1, settler(town, KeySettler, KeySettler, KeySettler))
    assert refusal.value.name == "EpochNotIn"


def test_too_few_usable_signatures_are_told_member_by_member(dispute):
    town, epoch = dispute
    with pytest.raises(QuorumNotMet, match=r"1 of the 2 .* form that the contracts do not take"):
        sign(town, epoch, settler(town, InAnotherForm, KeySettler, InAnotherForm))
