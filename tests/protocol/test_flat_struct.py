"""Our own EIP-712 of flat structs against eth_account's, which takes any type."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.flat_struct import domain_separator, flat_message
from chainrep.protocol.keccak import keccak
from chainrep.protocol.typed_data import hash_typed, recover_typed, sign_typed

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
KEY = keccak(b"a key")
TYPE = keccak(b"Mail(uint32 number,bytes32 slot)")
FIELDS = [{"name": "number", "type": "uint32"}, {"name": "slot", "type": "bytes32"}]


def message(chain_id, number, slot):
    separator = domain_separator("a name", "1", chain_id, CONTRACT)
    return flat_message(separator, TYPE, (number.to_bytes(32), slot))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32))
def test_the_digest_is_the_one_that_eth_account_computes(chain_id, number, slot):
    domain = {"name": "a name", "version": "1", "chainId": chain_id, "verifyingContract": CONTRACT}
    theirs = encode_typed_data(domain, {"Mail": FIELDS}, {"number": number, "slot": slot})
    assert hash_typed(message(chain_id, number, slot)) == hash_typed(theirs)


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_the_signer_is_the_one_that_eth_account_recovers(slot):
    said = message(1, 2, slot)
    signature = sign_typed(said, KEY)
    expected = Account.from_key(KEY).address
    assert recover_typed(said, signature) == expected
    assert Account.recover_message(said, signature=signature) == expected


@pytest.mark.parametrize(
    "signature",
    [bytes(64) + b"\x1b", b"\xff" * 32 + bytes(31) + b"\x01\x1b", bytes(31) + b"\x01" + bytes(33)],
)
def test_what_no_key_can_have_signed_is_refused(signature):
    with pytest.raises(SignatureError):
        recover_typed(message(1, 2, bytes(32)), signature)


def test_a_word_of_another_size_is_refused():
    with pytest.raises(InputError, match="32 bytes"):
        flat_message(bytes(32), TYPE, (bytes(31),))
