"""The transaction that applied a batch, read back: the signed report in it, and who else judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound

from chainrep.chain.client import Client
from chainrep.errors import CallRefused
from chainrep.protocol.keccak import keccak
from chainrep.protocol.types import Report, SignedReport

MAX_CALLS = 64
"""Places in one transaction's input at which a call is looked for."""
_ARGUMENTS = ["bytes", "bytes32", "uint64", "uint64", "uint32", "bytes"]
_APPLY_BATCH = keccak(f"applyBatch({','.join(_ARGUMENTS)})".encode())[:4]
_IS_VALID = keccak(b"isValidSignature(bytes32,bytes)")[:4]
"""ERC-1271's selector, which is also the answer of a contract that accepts."""


@dataclass(frozen=True, slots=True)
class BatchTransaction:
    """What was sent to whom: ``to`` is a checksummed address, None where a contract was created."""

    to: str | None
    content: bytes


def fetch_transaction(client: Client, transaction: bytes) -> BatchTransaction | None:
    """The transaction of this hash, None where the server does not have it; raise ChainError."""
    return client.ask(lambda: _fetch(client, transaction))


def direct_call(transaction: BatchTransaction, committee: int) -> SignedReport | None:
    """The report that the transaction's own input applies; None for any other input.

    ``committee`` is the version in force, which a call does not state.
    """
    if not transaction.content.startswith(_APPLY_BATCH):
        return None
    return _read(transaction.content[4:], committee)


def calls_within(transaction: BatchTransaction, committee: int) -> Iterator[SignedReport]:
    """Whatever looks like such a call anywhere in the input: for batches applied by way of another
    contract, as an account or a bundler (ERC-4337). Nothing says that it was made; what is found
    is worth as much as its signatures."""
    place = transaction.content.find(_APPLY_BATCH)
    for _ in range(MAX_CALLS):
        if place < 0:
            return
        found = _read(transaction.content[place + 4 :], committee)
        if found is not None:
            yield found
        place = transaction.content.find(_APPLY_BATCH, place + 1)


def accepts_signature(
    client: Client, contract: str, digest: bytes, signature: bytes, block: int
) -> bool:
    """Whether a contract (ERC-1271) takes the signature for its own, at the end of a block.

    Raises ChainError where the server has not kept that block's state.
    """
    call: Any = {
        "to": contract,
        "data": HexBytes(_IS_VALID + encode(["bytes32", "bytes"], [digest, signature])),
    }
    try:
        answer = client.ask(lambda: client.w3.eth.call(call, block))
    except CallRefused:
        return False
    return bytes(answer) == _IS_VALID.ljust(32, b"\0")


def _fetch(client: Client, transaction: bytes) -> BatchTransaction | None:
    try:
        found = cast(Any, client.w3.eth.get_transaction(HexBytes(transaction)))
    except TransactionNotFound:
        return None
    to = found.get("to")
    return BatchTransaction(
        str(client.w3.to_checksum_address(to)) if to else None, bytes(HexBytes(found["input"]))
    )


def _read(arguments: bytes, committee: int) -> SignedReport | None:
    try:
        updates, root, nonce, deadline, mask, signatures = decode(_ARGUMENTS, arguments)
    except (DecodingError, OverflowError, ValueError):
        return None
    return SignedReport(Report(committee, nonce, deadline, root, updates), mask, signatures)
