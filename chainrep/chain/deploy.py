"""Ordered deployment: first the registry, then everything that asks it for ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_account import Account

from chainrep.chain.address_book import Deployment
from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client
from chainrep.errors import ChainError, InputError
from chainrep.protocol.keccak import keccak

MAX_MEMBERS = 32
NOBODY = "0x" + "00" * 20

EPOCH_SECONDS = 7 * 24 * 3_600
WINDOW_SECONDS = 24 * 3_600
SETTLE_SECONDS = 48 * 3_600
BOND = 10**17
"""What a proposer or challenger of a root puts up, in wei."""
FORMULA_HASH = keccak(b"chainrep public score 1")
"""Names the formula of the public score until its specification has a hash of its own."""


def deploy_contracts(
    client: Client,
    private_key: bytes,
    members: Sequence[str],
    threshold: int,
    archive: bool = False,
) -> Deployment:
    """Deploy every contract; the key's account pays and owns them.

    ``members`` are the committee's addresses in any order, ``threshold`` of them must sign. With
    ``archive`` the ledger keeps events only. Raises InputError when that cannot be.
    """
    ordered = sorted(set(members), key=lambda address: int(address, 16))
    if len(ordered) != len(members) or not 0 < len(ordered) <= MAX_MEMBERS:
        raise InputError(f"A committee has 1 to {MAX_MEMBERS} different members.")
    if not 0 < threshold <= len(ordered):
        raise InputError(f"The threshold must lie in 1..{len(ordered)}, the committee's size.")
    owner = Account.from_key(private_key).address
    block = client.ask(lambda: client.w3.eth.block_number)

    def create(name: str, *arguments: Any) -> str:
        return _create(client, private_key, name, *arguments)

    registry = create("SourceRegistry", NOBODY, NOBODY)
    ledger = create("ScoreLedger", registry, owner, ordered, threshold, archive, NOBODY)
    log = create("FeedbackLog", registry, create("OpenGate"), NOBODY)
    rules = (FORMULA_HASH, EPOCH_SECONDS, WINDOW_SECONDS, SETTLE_SECONDS, BOND)
    roots = create("ReputationRoots", rules, owner, ordered, threshold, NOBODY)
    return Deployment(
        chain_id=client.chain_id,
        genesis=client.genesis,
        block=block,
        source_registry=registry,
        score_ledger=ledger,
        feedback_log=log,
        reputation_roots=roots,
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
