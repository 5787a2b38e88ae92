"""The 22-byte wire form of a vouch: account (20 bytes), weight (2, signed, in hundredths)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from struct import Struct

from eth_utils.address import to_checksum_address

from chainrep.errors import InputError

VOUCH_BYTES = 22
MAX_VOUCH = 2**15 - 1
_ACCOUNT_BYTES = 20
_LAYOUT = Struct(">20sh")


def pack_vouches(weights: Mapping[str, int]) -> bytes:
    """Concatenate weights by address, ascending; raise InputError for a weight that does not fit.

    A weight lies in -32,768..32,767 hundredths and is not zero; below zero it is a warning.
    """
    packed = []
    for account, weight in weights.items():
        try:
            number = bytes.fromhex(to_checksum_address(account)[2:])
        except (TypeError, ValueError) as error:
            raise InputError(f"{account!r} is no address.") from error
        if weight == 0 or not -MAX_VOUCH - 1 <= weight <= MAX_VOUCH:
            raise InputError(
                f"A vouch weighs {-MAX_VOUCH - 1}..{MAX_VOUCH} hundredths, and never nothing."
            )
        packed.append(number + weight.to_bytes(2, signed=True))
    packed.sort()
    if any(a[:_ACCOUNT_BYTES] == b[:_ACCOUNT_BYTES] for a, b in pairwise(packed)):
        raise InputError("An account is vouched for twice.")
    return b"".join(packed)


def unpack_vouches(packed: bytes) -> Mapping[bytes, int]:
    """Weights by the 20 bytes of the address; raise InputError on a partial vouch."""
    if len(packed) % VOUCH_BYTES:
        raise InputError(f"{len(packed)} bytes are no whole number of vouches.")
    return dict(_LAYOUT.iter_unpack(packed))
