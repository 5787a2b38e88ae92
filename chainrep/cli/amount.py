"""Amounts of money as people type them, read exactly."""

from __future__ import annotations

import re

from chainrep.errors import InputError

ETHER, GWEI = 18, 9
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,18}))?", re.ASCII)


def read_amount(option: str, text: str, digits: int) -> int:
    """Wei in a decimal number of a unit that has so many ``digits`` after the point.

    Raises InputError for what is no such number, or smaller than one wei.
    """
    found = _DECIMAL.fullmatch(text)
    fraction = (found[2] or "") if found else ""
    wei = int(found[1] + fraction.ljust(digits, "0")) if found else 0
    if wei < 1 or len(fraction) > digits:
        raise InputError(
            f"{option} {text[:60]!r} is no amount above zero with at most {digits} decimals.",
            "Write it like 12 or 0.25.",
        )
    return wei
