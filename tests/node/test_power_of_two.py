from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.node.power_of_two import ONE, power_of_two


@given(st.integers(-12 * ONE, 100 * ONE))
def test_a_power_is_within_its_stated_error(exponent):
    exact = Fraction(2.0 ** ((exponent % ONE) / ONE)) * Fraction(2) ** (exponent // ONE)
    assert abs(Fraction(power_of_two(exponent), ONE) / exact - 1) <= Fraction(1, 500_000)


@given(st.integers(-40, 40))
def test_whole_powers_are_exact_down_to_the_last_place(whole):
    assert power_of_two(whole * ONE) == int(Fraction(ONE) * Fraction(2) ** whole)


@given(st.integers(-300 * ONE, 300 * ONE), st.integers(0, ONE))
def test_a_larger_exponent_never_gives_less(exponent, more):
    assert power_of_two(exponent) <= power_of_two(exponent + more)


@pytest.mark.parametrize(
    ("exponent", "power"), [(-(10**30), 0), (10**30, ONE << 256), (257 * ONE, ONE << 256)]
)
def test_an_absurd_exponent_neither_fails_nor_fills_the_memory(exponent, power):
    assert power_of_two(exponent) == power
