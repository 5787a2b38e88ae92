"""Powers of two with integers alone, so that every machine comes to the same figure."""

from __future__ import annotations

from math import isqrt

_BITS, _STEP_BITS, _FINE_BITS = 32, 24, 64

ONE = 1 << _BITS
"""1.0, of an exponent and of a power."""

_MOST = 256 * ONE


def _table() -> tuple[int, ...]:
    """2^(i / 256) for i = 0..256, from eight square roots of two."""
    root = 2 << _FINE_BITS
    for _ in range(_BITS - _STEP_BITS):
        root = isqrt(root << _FINE_BITS)
    powers = [1 << _FINE_BITS]
    for _ in range(1 << (_BITS - _STEP_BITS)):
        powers.append(powers[-1] * root >> _FINE_BITS)
    return tuple(power >> (_FINE_BITS - _BITS) for power in powers)


_POWERS = _table()


def power_of_two(exponent: int) -> int:
    """2^exponent, both in units of 2^-32; within 1 part in 500,000 where it is above 2^-12.

    Exponents above 256 count as 256.
    """
    exponent = min(exponent, _MOST)
    whole, part = exponent >> _BITS, exponent & (ONE - 1)
    step, rest = part >> _STEP_BITS, part & ((1 << _STEP_BITS) - 1)
    low = _POWERS[step]
    power = low + ((_POWERS[step + 1] - low) * rest >> _STEP_BITS)
    return power << whole if whole >= 0 else power >> -whole
