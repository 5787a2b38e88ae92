"""One Merkle root of reputations per epoch, as the contract keeps and decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to
from chainrep.chain.client import Client, Receipt
from chainrep.chain.score_ledger import Committee
from chainrep.errors import CallRefused, FalseAnswer
from chainrep.protocol.reputation_tree import ScoreProof
from chainrep.protocol.settlement import RootsDomain, Settlement, SignedSettlement

Sender = Callable[[Mapping[str, Any], bytes], Receipt]
"""Signs a call with a private key, and carries it, as `Client.send` does."""


class EpochState(IntEnum):
    """Where an epoch is; OPEN is every epoch's first state."""

    OPEN = 0
    PENDING = 1
    CHALLENGED = 2
    FINAL = 3


@dataclass(frozen=True, slots=True)
class RootRules:
    """What a deployment is bound to for good; times in seconds, the bond in wei.

    A root can be challenged for ``window`` after it was proposed, and a challenge settled for
    ``settle_time`` after that.
    """

    formula_hash: bytes
    epoch_seconds: int
    window: int
    settle_time: int
    bond: int


@dataclass(frozen=True, slots=True)
class EpochOnChain:
    """What the contract knows of an epoch: root (20 bytes) and snapshot hash (32) are zero while
    it is open, and so are the addresses. ``attempt`` counts how often it was opened again."""

    root: bytes
    proposed_at: int
    state: EpochState
    attempt: int
    proposer: str
    challenger: str
    snapshot_hash: bytes


class ReputationRoots:
    """Proposing, challenging, settling and proving; every call's sender pays for it."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = bind(client, "ReputationRoots", deployment.reputation_roots)
        self.domain = RootsDomain(client.chain_id, deployment.reputation_roots)
        self._send: Sender = client.send

    def via(self, send: Sender) -> ReputationRoots:
        """The same contract, whose calls are sent, and waited for, by another sender."""
        other = copy(self)
        other._send = send
        return other

    @cached_property
    def rules(self) -> RootRules:
        """The deployment's rules, which never change."""
        found = self.client.ask(self.contract.functions.rules().call)
        return RootRules(bytes(found[0]), *(int(number) for number in found[1:]))

    @cached_property
    def first_epoch(self) -> int:
        """The first epoch that can have a root."""
        return int(self.client.ask(self.contract.functions.firstEpoch().call))

    def committee(self) -> Committee:
        """Who settles challenges now; it may be another committee than the ledger's."""
        return Committee(*self.client.ask(self.contract.functions.committee().call))

    def epoch(self, epoch: int, block: int | None = None) -> EpochOnChain:
        """What is known of an epoch, now or at the end of a block; raise ChainError.

        FalseAnswer is raised for a state that there is not.
        """
        function = self.contract.functions.epochOf(epoch)
        at: int | Literal["latest"] = "latest" if block is None else block
        found = self.client.ask(lambda: function.call(block_identifier=at))
        root, proposed_at, state, attempt, proposer, challenger, snapshot_hash = found
        try:
            known = EpochState(state)
        except ValueError as error:
            raise FalseAnswer(f"Epoch {epoch} is in state {state}, which there is not.") from error
        return EpochOnChain(
            bytes(root), proposed_at, known, attempt, proposer, challenger, bytes(snapshot_hash)
        )

    def confirmed_epoch(self, epoch: int, confirmations: int) -> EpochOnChain:
        """What was known of an epoch in the newest block with so many confirmations."""
        head = int(self.client.ask(lambda: self.client.w3.eth.block_number))
        return self.epoch(epoch, max(0, head - (confirmations - 1)))

    def owed(self, account: str) -> int:
        """What an account can withdraw, in wei."""
        return int(self.client.ask(self.contract.functions.owedTo(account).call))

    def propose(
        self, epoch: int, root: bytes, snapshot_hash: bytes, uri: str, private_key: bytes
    ) -> Receipt:
        """Propose a root with the bond; ``uri`` says where its data can be had."""
        call = call_to(self.contract.functions.propose(epoch, root, snapshot_hash, uri))
        return self._send(self._with_bond(call), private_key)

    def challenge(
        self, epoch: int, root: bytes, snapshot_hash: bytes, private_key: bytes
    ) -> Receipt:
        """Challenge the pending proposal, which must be this root and snapshot, with the bond."""
        call = call_to(self.contract.functions.challenge(epoch, root, snapshot_hash))
        return self._send(self._with_bond(call), private_key)

    def settle(self, signed: SignedSettlement, private_key: bytes) -> Receipt:
        """Carry what the committee signed."""
        settlement = signed.settlement
        function = self.contract.functions.settle(
            settlement.epoch,
            settlement.root,
            settlement.snapshot_hash,
            settlement.nonce,
            settlement.deadline,
            signed.signer_mask,
            signed.signatures,
        )
        return self._send(call_to(function), private_key)

    def finalize(self, epoch: int, private_key: bytes) -> Receipt:
        """Make a pending root final once its window is over."""
        return self._send(call_to(self.contract.functions.finalize(epoch)), private_key)

    def reopen(self, epoch: int, private_key: bytes) -> Receipt:
        """Open an epoch again whose challenge was not settled in time."""
        return self._send(call_to(self.contract.functions.reopen(epoch)), private_key)

    def withdraw(self, to: str, private_key: bytes) -> Receipt:
        """Take out all that the key's account is owed."""
        return self._send(call_to(self.contract.functions.withdraw(to)), private_key)

    def score_proven(self, epoch: int, proof: ScoreProof) -> bool:
        """Whether the contract accepts the proof of a score; raise CallRefused while not final."""
        function = self.contract.functions.scoreProven(
            epoch, proof.account, proof.score, proof.next, proof.siblings
        )
        return bool(self.client.ask(function.call))

    def absence_proven(self, epoch: int, account: str, low: ScoreProof) -> bool:
        """Whether the contract accepts, from the next lower leaf, that the account has no score."""
        function = self.contract.functions.absenceProven(
            epoch, account, low.account, low.score, low.next, low.siblings
        )
        return bool(self.client.ask(function.call))

    def settlement_digest(self, settlement: Settlement) -> bytes:
        """The digest that the contract would check, under its present committee and attempt."""
        function = self.contract.functions.settlementDigest(
            settlement.epoch,
            settlement.root,
            settlement.snapshot_hash,
            settlement.nonce,
            settlement.deadline,
        )
        return bytes(self.client.ask(function.call))

    def _with_bond(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(call) | {"value": self.rules.bond}


def overtaken(refusal: CallRefused) -> bool:
    """Whether a call was refused because the epoch has moved on: somebody else was faster."""
    return refusal.name in {"EpochNotIn", "RootNotPending", "NonceNotNext", "TooEarly", "TooLate"}
