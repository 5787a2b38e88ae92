"""The file of a conflict: an accusation that proves itself, as JSON that whoever has it can check.

It names the chain and the score ledger for which its signatures are good, the accused, and the two
contents that one key signed for one slot.
"""

from __future__ import annotations

import json
import re

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.typed_data import SIGNATURE_BYTES, LedgerDomain
from chainrep.reputation.accusation import Accusation, Conflict

MAX_FILE_BYTES = 4_096
FORMAT = "chainrep conflict 1"

_SIZES = {
    "slot": 32,
    "first": 32,
    "second": 32,
    "first_signature": SIGNATURE_BYTES,
    "second_signature": SIGNATURE_BYTES,
}
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


def dump_conflict(accusation: Accusation, domain: LedgerDomain) -> bytes:
    """The file; raise InputError where the proof is no `Conflict`."""
    if not isinstance(accusation.proof, Conflict):
        raise InputError("Only a conflict of two statements has a file of its own.")
    fields: dict[str, str | int] = {
        "format": FORMAT,
        "chain_id": domain.chain_id,
        "ledger": domain.ledger,
        "accuser": accusation.accuser,
        "accused": accusation.accused,
    }
    fields |= {name: "0x" + getattr(accusation.proof, name).hex() for name in _SIZES}
    return json.dumps(fields, indent=1).encode() + b"\n"


def parse_conflict(content: bytes) -> tuple[Accusation, LedgerDomain]:
    """The accusation, not yet checked (`check`), and where it has to hold; raise InputError."""
    if len(content) > MAX_FILE_BYTES:
        raise InputError("The file of a conflict is larger than any is.")
    try:
        fields = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise InputError("The file of a conflict is no JSON.") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise InputError(f'The file is none of the format "{FORMAT}".')
    chain_id = fields.get("chain_id")
    if type(chain_id) is not int or not 0 <= chain_id < 2**64:
        raise InputError("chain_id is no whole number.")
    ledger, accuser, accused = (_address(fields, n) for n in ("ledger", "accuser", "accused"))
    conflict = Conflict(**{name: _bytes(fields, name, size) for name, size in _SIZES.items()})
    return Accusation(accuser, accused, conflict), LedgerDomain(chain_id, ledger)


def _address(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if type(value) is not str or not is_checksum_address(value):
        raise InputError(f"{name} is no checksummed address.")
    return value


def _bytes(fields: dict[str, object], name: str, size: int) -> bytes:
    value = fields.get(name)
    if type(value) is not str or len(value) != 2 + 2 * size or not _HEX.fullmatch(value):
        raise InputError(f"{name} is not {size} bytes in hexadecimal.")
    return bytes.fromhex(value[2:])
