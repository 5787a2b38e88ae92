"""Typed bindings: what the contracts offer, in the protocol's nouns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hexbytes import HexBytes
from web3.contract import Contract

from chainrep.chain.address_book import Deployment
from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client, Receipt
from chainrep.errors import NotDeployed
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.protocol.types import Score, SignedReport

PAGE = 500
"""Sources read per call: about 1.5 M gas of a node's eth_call allowance."""


@dataclass(frozen=True, slots=True)
class Source:
    """A registered source; ``registered_at`` is in Unix seconds."""

    id: int
    owner: str
    uri: str
    registered_at: int


@dataclass(frozen=True, slots=True)
class Committee:
    """Who may sign reports now: ``version`` and ``next_nonce`` go into the next report."""

    version: int
    next_nonce: int
    threshold: int
    members: Sequence[str]


class SourceRegistry:
    """Who the sources are."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = _bind(client, "SourceRegistry", deployment.source_registry)
        self.first_block = deployment.block

    def register(self, uri: str, private_key: bytes) -> tuple[int, Receipt]:
        """Register a URI for the key's account; return the new source id.

        Raises DuplicateSource when this account has registered it before.
        """
        receipt = self.client.send(_call(self.contract.functions.register(uri)), private_key)
        event = self.contract.events.SourceRegistered()
        full = self.client.ask(
            lambda: self.client.w3.eth.get_transaction_receipt(HexBytes(receipt.hash))
        )
        return int(event.process_receipt(full)[0]["args"]["id"]), receipt

    def count(self) -> int:
        """How many sources are registered; their ids are 1 to this number."""
        return int(self.client.ask(self.contract.functions.sourceCount().call))

    def source(self, source: int) -> Source:
        """One source; raise UnknownSource."""
        owner, registered_at, _ = self.client.ask(self.contract.functions.sourceOf(source).call)
        (log,) = self._registrations({"id": source})
        return Source(source, owner, log["args"]["uri"], registered_at)

    def sources(self) -> Sequence[Source]:
        """Every source, by id. URIs live in events only, so this reads the log."""
        blocks: dict[int, int] = {}
        found = []
        for log in self._registrations({}):
            block, args = log["blockNumber"], log["args"]
            if block not in blocks:
                blocks[block] = self.client.block_time(block)
            found.append(Source(args["id"], args["owner"], args["uri"], blocks[block]))
        return sorted(found, key=lambda source: source.id)

    def _registrations(self, filters: Mapping[str, object]) -> Sequence[Any]:
        event = self.contract.events.SourceRegistered()
        return self.client.ask(
            lambda: event.get_logs(from_block=self.first_block, argument_filters=dict(filters))
        )


class ScoreLedger:
    """The committee's record of every source's reliability."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = _bind(client, "ScoreLedger", deployment.score_ledger)
        self.domain = LedgerDomain(client.chain_id, deployment.score_ledger)
        self.first_block = deployment.block

    def committee(self) -> Committee:
        """The current committee and the ledger's next nonce."""
        return Committee(*self.client.ask(self.contract.functions.committee().call))

    def update_limit(self) -> int:
        """How many sources one batch may update."""
        return int(self.client.ask(self.contract.functions.updateLimit().call))

    def scores(self, sources: Sequence[int]) -> Sequence[Score]:
        """The scores of these ids, in order; raise UnknownSource."""
        found: list[Score] = []
        for start in range(0, len(sources), PAGE):
            page = list(sources[start : start + PAGE])
            rows = self.client.ask(self.contract.functions.scoresOf(page).call)
            found += [Score(source, *row) for source, row in zip(page, rows, strict=True)]
        return found

    def batch_call(self, signed: SignedReport) -> Mapping[str, Any]:
        """The call that applies a signed report."""
        report = signed.report
        return _call(
            self.contract.functions.applyBatch(
                report.updates,
                report.evidence_root,
                report.nonce,
                report.deadline,
                signed.signer_mask,
                signed.signatures,
            )
        )

    def applied(self, nonce: int) -> tuple[bytes, bytes] | None:
        """Evidence root and packed updates of the batch applied under this nonce, if any."""
        event = self.contract.events.BatchApplied()
        logs = self.client.ask(
            lambda: event.get_logs(from_block=self.first_block, argument_filters={"nonce": nonce})
        )
        if not logs:
            return None
        args = logs[0]["args"]
        return bytes(args["evidenceRoot"]), bytes(args["updates"])


def _bind(client: Client, name: str, address: str) -> Contract:
    code = client.ask(lambda: client.w3.eth.get_code(client.w3.to_checksum_address(address)))
    if not code:
        raise NotDeployed(
            f"There is no {name} at {address} on chain {client.chain_id}.",
            "Run `chainrep deploy`, or check --rpc: the chain may have been reset.",
        )
    return client.w3.eth.contract(
        client.w3.to_checksum_address(address), abi=load_artifact(name).abi
    )


def _call(function: Any) -> Mapping[str, Any]:
    return {"to": function.address, "data": function._encode_transaction_data()}
