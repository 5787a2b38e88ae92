"""Ordered deployment: the registry first, then the ledger that asks it for ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_account import Account

from chainrep.chain.address_book import Deployment
from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client
from chainrep.errors import ChainError, InputError

MAX_MEMBERS = 32


def deploy_contracts(
    client: Client, private_key: bytes, members: Sequence[str], threshold: int
) -> Deployment:
    """Deploy both contracts; the key's account pays and owns them.

    ``members`` are the committee's addresses in any order, ``threshold`` of them must sign a
    report. Raises InputError when that cannot be.
    """
    ordered = sorted(set(members), key=lambda address: int(address, 16))
    if len(ordered) != len(members) or not 0 < len(ordered) <= MAX_MEMBERS:
        raise InputError(f"A committee has 1 to {MAX_MEMBERS} different members.")
    if not 0 < threshold <= len(ordered):
        raise InputError(f"The threshold must lie in 1..{len(ordered)}, the committee's size.")
    owner = Account.from_key(private_key).address
    block = client.ask(lambda: client.w3.eth.block_number)
    registry = _create(client, private_key, "SourceRegistry")
    ledger = _create(client, private_key, "ScoreLedger", registry, owner, ordered, threshold)
    return Deployment(
        chain_id=client.chain_id,
        genesis=client.genesis,
        block=block,
        source_registry=registry,
        score_ledger=ledger,
        members=ordered,
        threshold=threshold,
    )


def _create(client: Client, private_key: bytes, name: str, *arguments: Any) -> str:
    artifact = load_artifact(name)
    factory = client.w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    code = factory.constructor(*arguments).data_in_transaction
    receipt = client.send({"data": code}, private_key)
    if receipt.contract is None:
        raise ChainError(f"The chain mined the deployment of {name} without an address.")
    return client.w3.to_checksum_address(receipt.contract)
