"""What every typed binding needs: a contract at its address, a call, the events it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hexbytes import HexBytes
from web3.contract import Contract

from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client
from chainrep.errors import NotDeployed


def bind(client: Client, name: str, address: str) -> Contract:
    """The contract of this name at the address; raise NotDeployed without code there."""
    place = client.w3.to_checksum_address(address)
    if not client.ask(lambda: client.w3.eth.get_code(place)):
        raise NotDeployed(
            f"There is no {name} at {address} on chain {client.chain_id}.",
            "Run `chainrep deploy`, or check --rpc: the chain may have been reset.",
        )
    return client.w3.eth.contract(place, abi=load_artifact(name).abi)


def call_to(function: Any) -> Mapping[str, Any]:
    """A transaction's receiver and data from a bound function."""
    return {"to": function.address, "data": function._encode_transaction_data()}


def logs_of(
    client: Client,
    event: Any,
    first_block: int,
    filters: Mapping[str, object] | None = None,
    last_block: int | str = "latest",
) -> Sequence[Any]:
    """Every log of one event from ``first_block`` to ``last_block``, in order."""
    return client.ask(
        lambda: event.get_logs(
            from_block=first_block, to_block=last_block, argument_filters=dict(filters or {})
        )
    )


def logs_in(client: Client, event: Any, transaction_hash: bytes) -> Sequence[Any]:
    """The logs of one event that a mined transaction left."""
    receipt = client.ask(lambda: client.w3.eth.get_transaction_receipt(HexBytes(transaction_hash)))
    return event.process_receipt(receipt)  # type: ignore[no-any-return]
