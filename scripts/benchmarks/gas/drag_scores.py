"""Driving a contract of Reliable-dRAG's kind: every source signs the message of every batch."""

from __future__ import annotations

import random

from eth_account import Account
from eth_account.messages import encode_defunct

from chainrep.chain.artifact import Artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.errors import InputError
from scripts.benchmarks.gas.chain import OWNER
from scripts.benchmarks.gas.ledger import deploy

MESSAGE = (
    "Who wrote the handbook, and in what year was it first printed? Sources asked: 1, 2, 3, 4."
)
INFO = "feedback"
SCORE_BITS = 31


class DragScores:
    """The contract with ``sources`` records that have been updated before."""

    def __init__(self, client: Client, artifact: Artifact, sources: int) -> None:
        constructors = [entry for entry in artifact.abi if entry["type"] == "constructor"]
        inputs = [i["type"] for entry in constructors for i in entry["inputs"]]
        if inputs not in ([], ["address"]):
            raise InputError(f"{artifact.name} wants {', '.join(inputs)} to be deployed.")
        self.client = client
        self.contract = deploy(client, artifact, *(OWNER.address for _ in inputs))
        self.rng = random.Random(0)  # noqa: S311 (repeatable, not secret)
        self.keys = {
            f"source-{i}": keyed.to_bytes(32)
            for i, keyed in enumerate(range(1_000, 1_000 + sources))
        }
        self.signatures = {
            name: bytes(Account.sign_message(encode_defunct(text=MESSAGE), key).signature)
            for name, key in self.keys.items()
        }
        for name, key in self.keys.items():
            owner = Account.from_key(key).address
            create = self.contract.functions.createScoreRecordByOwner(name, owner, 0, 0, "")
            client.send(call_to(create), OWNER.private_key)
        names = list(self.keys)
        for start in range(0, len(names), 100):
            self._update(names[start : start + 100])

    def update(self, count: int) -> int:
        """Gas of one batch over ``count`` random sources."""
        return self._update(self.rng.sample(list(self.keys), count))

    def _update(self, names: list[str]) -> int:
        reliability, usefulness = (
            [self.rng.getrandbits(SCORE_BITS) for _ in names] for _ in range(2)
        )
        function = self.contract.functions.feedbackAndUpdateScoreRecords(
            MESSAGE, [self.signatures[name] for name in names], names, reliability, usefulness, INFO
        )
        return self.client.send(call_to(function), OWNER.private_key).gas_used
