import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.epoch import Epoch, epoch_at


@given(st.integers(0, 2**39), st.integers(1, 10 * 365 * 86_400))
def test_every_time_lies_in_exactly_one_epoch(time, seconds):
    epoch = epoch_at(time, seconds)
    assert epoch.begin <= time < epoch.end
    assert epoch.end == Epoch(epoch.number + 1, seconds).begin
    assert not epoch.ended(time)
    assert epoch.ended(epoch.end)


@pytest.mark.parametrize(("number", "seconds"), [(-1, 60), (2**40, 60), (0, 0), (0, -5)])
def test_an_epoch_that_no_contract_can_name_is_refused(number, seconds):
    with pytest.raises(InputError):
        Epoch(number, seconds)


def test_a_time_before_1970_and_an_epoch_without_length_are_refused():
    with pytest.raises(InputError):
        epoch_at(-1, 60)
    with pytest.raises(InputError):
        epoch_at(100, 0)
