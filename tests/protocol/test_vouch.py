import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.vouch import VOUCH_BYTES, pack_vouches, unpack_vouches

ADDRESSES = st.binary(min_size=20, max_size=20)
WEIGHTS = st.integers(-(2**15), 2**15 - 1).filter(bool)


@given(st.dictionaries(ADDRESSES, WEIGHTS, max_size=20))
def test_vouches_are_read_back_in_ascending_order(weights):
    packed = pack_vouches({"0x" + account.hex(): weight for account, weight in weights.items()})
    assert len(packed) == VOUCH_BYTES * len(weights)
    found = unpack_vouches(packed)
    assert found == weights
    assert list(found) == sorted(weights)


def test_a_vouch_is_the_account_and_then_its_weight_in_two_bytes():
    assert pack_vouches({"0x" + "ab" * 20: -2}).hex() == "ab" * 20 + "fffe"


@pytest.mark.parametrize(
    "weights",
    [{"0x" + "ab" * 20: 0}, {"0x" + "ab" * 20: 2**15}, {"0x" + "ab" * 20: -(2**15) - 1},
     {"0xab": 1}, {"0x" + "ab" * 20: 1, "0x" + "AB" * 20: 2}],
)  # fmt: skip
def test_what_the_log_would_refuse_is_refused_here(weights):
    with pytest.raises(InputError):
        pack_vouches(weights)


def test_part_of_a_vouch_is_refused():
    with pytest.raises(InputError, match="no whole number"):
        unpack_vouches(bytes(VOUCH_BYTES + 1))
