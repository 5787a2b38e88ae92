"""Addresses as people type them."""

from __future__ import annotations

import re

from chainrep.errors import InputError

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def read_address(option: str, text: str) -> str:
    """The checksummed form of what was given; raise InputError where it is mistyped.

    An address written in one case only carries no checksum, and is taken as it is.
    """
    from eth_utils.address import is_checksum_address, to_checksum_address

    digits = text[2:]
    plain = digits in {digits.lower(), digits.upper()}
    if not _ADDRESS.fullmatch(text) or not (plain or is_checksum_address(text)):
        raise InputError(f"{option} {text[:60]!r} is no address, or its checksum is wrong.")
    return str(to_checksum_address(text))
