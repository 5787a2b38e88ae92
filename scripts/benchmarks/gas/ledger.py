"""A score ledger with sources that have been touched before: what one more batch costs.

The contract may be another one with the same `applyBatch`: see peer.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from eth_account import Account
from web3.contract import Contract

from chainrep.chain.artifact import Artifact, load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.errors import ChainrepError
from chainrep.protocol.compact_batch import pack_compact
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import LedgerDomain, join_signatures, sign_report
from chainrep.protocol.types import EVIDENCE_UNIT, MAX_DELTA, Report, ScoreUpdate
from scripts.benchmarks.gas.chain import OWNER, SOURCE_OWNER, member_keys

NOBODY = "0x" + "00" * 20
HOUR = 3_600
REGISTER_GAS = 300_000

Deltas = Callable[[random.Random], Sequence[int]]


def full_deltas(rng: random.Random) -> Sequence[int]:
    """Four deltas anywhere in their 16 bits."""
    return [rng.randrange(1, MAX_DELTA + 1) for _ in range(4)]


def whole_judgements(rng: random.Random) -> Sequence[int]:
    """What a day of judgements at full weight adds to one source: up to 60 answers asked for."""
    asked = rng.randrange(1, 61)
    used = rng.randrange(asked + 1)
    supported = rng.randrange(used + 1)
    counts = (supported, used - supported, used, asked)
    return [EVIDENCE_UNIT * count for count in counts]


def deploy(client: Client, artifact: Artifact, *arguments: Any) -> Contract:
    """Deploy from the owner's account."""
    factory = client.w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    code = factory.constructor(*arguments).data_in_transaction
    receipt = client.send({"data": code}, OWNER.private_key)
    address = client.w3.to_checksum_address(str(receipt.contract))
    return client.w3.eth.contract(address, abi=artifact.abi)


class LedgerUnderTest:
    """A ledger of ``n`` members of whom 1 must sign; more may."""

    def __init__(
        self,
        client: Client,
        registry: Contract,
        members: int = 3,
        archive: bool = False,
        artifact: Artifact | None = None,
    ) -> None:
        self.client = client
        self.archive = archive
        self.keys = member_keys(members)
        known = {
            "registry": registry.address,
            "initialOwner": OWNER.address,
            "members": list(self.keys),
            "threshold": 1,
            "archive": archive,
            "predecessor": NOBODY,
        }
        artifact = artifact or load_artifact("ScoreLedger")
        self.contract = deploy(client, artifact, *_by_name(artifact, known))
        self.domain = LedgerDomain(client.chain_id, self.contract.address)
        self.rng = random.Random(0)  # noqa: S311 (repeatable, not secret)

    def apply(
        self,
        sources: Sequence[int],
        signatures: int = 1,
        deltas: Deltas = full_deltas,
        gas: int | None = None,
    ) -> int:
        """Gas of one batch over these sources; with ``gas`` as its limit it may run out of it."""
        updates = [ScoreUpdate(source, *deltas(self.rng)) for source in sources]
        packed = pack_compact(updates) if self.archive else pack_updates(updates)
        version, nonce, _, members = self.contract.functions.committee().call()
        deadline = self.client.now() + HOUR
        report = Report(version, nonce, deadline, self.rng.randbytes(32), packed)
        signed = {
            member: sign_report(report, self.domain, self.keys[member])
            for member in members[:signatures]
        }
        mask, joined = join_signatures(members, signed)
        function = self.contract.functions.applyBatch(
            packed, report.evidence_root, nonce, deadline, mask, joined
        )
        if gas is None:
            return self.client.send(call_to(function), OWNER.private_key).gas_used
        return _send_with(self.client, dict(call_to(function)), gas)

    def apply_random(self, count: int, of: int, signatures: int = 1) -> int:
        """Gas of one batch over ``count`` random sources of the first ``of``."""
        return self.apply(sorted(self.rng.sample(range(1, of + 1), count)), signatures)

    def set_update_limit(self, limit: int) -> None:
        """Let one batch hold so many updates."""
        function = self.contract.functions.setUpdateLimit(limit)
        self.client.send(call_to(function), OWNER.private_key)

    def touch(self, sources: int, at_once: int = 500) -> None:
        """Give the first ``sources`` their first update."""
        for start in range(1, sources + 1, at_once):
            self.apply(range(start, min(start + at_once, sources + 1)))


def register_sources(
    client: Client, registry: Contract, count: int, tick: Callable[[], object]
) -> None:
    """Register ``count`` more sources, as fast as the chain takes them."""
    nonce = client.w3.eth.get_transaction_count(SOURCE_OWNER.address)  # type: ignore[arg-type]
    first = registry.functions.sourceCount().call() + 1
    last = b""
    for i in range(count):
        call = dict(call_to(registry.functions.register(f"https://source{first + i}.example")))
        last = _broadcast(client, call, REGISTER_GAS, nonce + i, SOURCE_OWNER.private_key)
        tick()
    if count and not client.wait(last).succeeded:
        raise ChainrepError("The last registration failed.")


def _send_with(client: Client, call: dict[str, Any], gas: int) -> int:
    nonce = client.w3.eth.get_transaction_count(OWNER.address)  # type: ignore[arg-type]
    receipt = client.wait(_broadcast(client, call, gas, nonce, OWNER.private_key))
    return receipt.gas_used if receipt.succeeded else 0


def _broadcast(
    client: Client, call: dict[str, Any], gas: int, nonce: int, private_key: bytes
) -> bytes:
    fees = {"gas": gas, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "value": 0}
    transaction = call | fees | {"nonce": nonce, "chainId": client.chain_id, "type": 2}
    signed = Account.sign_transaction(transaction, private_key)
    return bytes(client.w3.eth.send_raw_transaction(signed.raw_transaction))


def _by_name(artifact: Artifact, known: dict[str, Any]) -> Sequence[Any]:
    """Constructor arguments by their names, so that another version's constructor is met too."""
    (constructor,) = [entry for entry in artifact.abi if entry["type"] == "constructor"]
    names = [entry["name"].strip("_") for entry in constructor["inputs"]]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ChainrepError(
            f"{artifact.name} wants {', '.join(unknown)} to be deployed, which is not known here.",
            "A peer with `applyBatch` is deployed with some of: " + ", ".join(known) + ".",
        )
    return [known[name] for name in names]
