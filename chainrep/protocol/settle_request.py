"""What a coordinator asks a committee member to sign of a challenged epoch: one line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.settlement import RootsDomain, Settlement

MAX_REQUEST_BYTES = 1_024
_BITS = {
    "chain_id": 64, "committee": 32, "nonce": 64, "deadline": 64, "epoch": 40, "attempt": 48,
}  # fmt: skip
_BYTES = {"root": 20, "snapshot_hash": 32}
_FIELDS = _BITS.keys() | _BYTES.keys() | {"contract"}


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """A settlement, and the contract that it is for."""

    settlement: Settlement
    domain: RootsDomain


def dump_settle_request(request: SettleRequest) -> bytes:
    """The body of the HTTP request."""
    settlement, domain = request.settlement, request.domain
    content = {
        "chain_id": domain.chain_id,
        "contract": domain.contract,
        "committee": settlement.committee,
        "nonce": settlement.nonce,
        "deadline": settlement.deadline,
        "epoch": settlement.epoch,
        "attempt": settlement.attempt,
        "root": settlement.root.hex(),
        "snapshot_hash": settlement.snapshot_hash.hex(),
    }
    return json.dumps(content, separators=(",", ":")).encode()


def parse_settle_request(body: bytes) -> SettleRequest:
    """Read a request back; raise InputError for anything that `dump_settle_request` does not
    write."""
    if len(body) > MAX_REQUEST_BYTES or b"[" in body or body.count(b"{") != 1:
        raise InputError("The request is no flat JSON object of the agreed size.")
    try:
        content = json.loads(body.decode())
    except ValueError as error:
        raise InputError("The request is no JSON.") from error
    if not isinstance(content, dict) or content.keys() != _FIELDS:
        raise InputError(f"The request must have exactly: {', '.join(sorted(_FIELDS))}.")
    for name, bits in _BITS.items():
        if type(content[name]) is not int or not 0 <= content[name] < 1 << bits:
            raise InputError(f"The request's {name} is no number of {bits} bits.")
    if not isinstance(content["contract"], str) or not is_checksum_address(content["contract"]):
        raise InputError("The contract's address has no valid checksum.")
    root, snapshot_hash = (_bytes(name, content[name], size) for name, size in _BYTES.items())
    settlement = Settlement(
        committee=content["committee"],
        nonce=content["nonce"],
        deadline=content["deadline"],
        epoch=content["epoch"],
        attempt=content["attempt"],
        root=root,
        snapshot_hash=snapshot_hash,
    )
    return SettleRequest(settlement, RootsDomain(content["chain_id"], content["contract"]))


def _bytes(name: str, value: object, size: int) -> bytes:
    try:
        if not isinstance(value, str) or len(value) != 2 * size or not value.isascii():
            raise ValueError(value)
        return bytes.fromhex(value)
    except ValueError as error:
        raise InputError(f"The request's {name} is not {size} bytes in hexadecimal.") from error
