"""Whether the code at an address is what this version of chainrep would put there."""

from __future__ import annotations

from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client


def is_our_code(client: Client, name: str, address: str) -> bool:
    """Compare the code at an address with the artifact of this name.

    The creation code ends with the runtime code, in which immutable values are zeros (Solidity's
    "Contract creation"); what was deployed may differ from it in nothing but those.
    """
    place = client.w3.to_checksum_address(address)
    code = bytes(client.ask(lambda: client.w3.eth.get_code(place)))
    expected = bytes.fromhex(load_artifact(name).bytecode.removeprefix("0x"))[-len(code) :]
    if not code or len(expected) != len(code):
        return False
    return all(ours in {theirs, 0} for theirs, ours in zip(code, expected, strict=True))
