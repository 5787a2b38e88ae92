"""Settling a challenge: committee members sign what they computed themselves, nothing else."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from eth_account import Account

from chainrep.chain.reputation_roots import EpochOnChain, ReputationRoots
from chainrep.errors import CallRefused, ChainrepError, QuorumNotMet, SignatureError
from chainrep.protocol.settlement import (
    RootsDomain,
    Settlement,
    SignedSettlement,
    collect_settlement,
    recover_settler,
    sign_settlement,
)

SETTLE_AHEAD_SECONDS = 3_600
"""How long a settlement may take to reach the chain before it has to be signed anew."""

_log = logging.getLogger(__name__)


class SettlementSigner(Protocol):
    """One member of the committee of the roots, here or on another machine."""

    address: str

    def sign_settlement(self, settlement: Settlement) -> bytes:
        """The member's signature; raise ChainrepError where it refuses or does not answer."""
        ...


class KeySettler:
    """A member whose key is on this machine: it signs what this machine has computed."""

    def __init__(self, domain: RootsDomain, private_key: bytes) -> None:
        self.address = str(Account.from_key(private_key).address)
        self._domain = domain
        self._key = private_key

    def sign_settlement(self, settlement: Settlement) -> bytes:
        """The signature."""
        return sign_settlement(settlement, self._domain, self._key)


class Settler:
    """Has an epoch's settlement signed by as many members as the contract demands."""

    def __init__(self, roots: ReputationRoots, signers: Sequence[SettlementSigner]) -> None:
        self.roots = roots
        self._signers = {signer.address: signer for signer in signers}

    def can_settle(self) -> bool:
        """Whether enough of the present committee can be asked from here."""
        committee = self.roots.committee()
        return len(self._signers.keys() & set(committee.members)) >= committee.threshold

    def sign(
        self, epoch: int, found: EpochOnChain, root: bytes, snapshot_hash: bytes
    ) -> SignedSettlement:
        """A settlement of this root that the contract takes, as of the newest block.

        Raises QuorumNotMet, naming why, where too few members sign, and CallRefused where the
        contract takes none, whoever signs it.
        """
        committee = self.roots.committee()
        settlement = Settlement(
            committee=committee.version,
            nonce=committee.next_nonce,
            deadline=self.roots.client.now() + SETTLE_AHEAD_SECONDS,
            epoch=epoch,
            attempt=found.attempt,
            root=root,
            snapshot_hash=snapshot_hash,
        )
        signatures: dict[str, bytes] = {}
        reasons: dict[str, str] = {}
        for member in committee.members:
            if member not in self._signers:
                reasons[member] = "it cannot be asked from here"
                continue
            try:
                signatures[member] = self._ask(member, settlement)
            except ChainrepError as error:
                reasons[member] = str(error)
                _log.warning("%s did not sign epoch %d: %s", member, epoch, error)
            if len(signatures) < committee.threshold:
                continue
            domain, members = self.roots.domain, committee.members
            signed = collect_settlement(settlement, domain, members, signatures)
            refused = self._refused_signer(signed)
            if refused is None:
                return signed
            blamed = members[refused]
            del signatures[blamed]
            reasons[blamed] = "the contract refuses its signature"
            _log.warning("the contract refuses the signature of %s", blamed)
        raise QuorumNotMet(
            f"{len(signatures)} of the {committee.threshold} signatures that settle epoch"
            f" {epoch} could be had"
            f" ({'; '.join(f'{member}: {why}' for member, why in reasons.items())}).",
            "See to these members before the settling time is over.",
        )

    def _ask(self, member: str, settlement: Settlement) -> bytes:
        signature = self._signers[member].sign_settlement(settlement)
        if recover_settler(settlement, self.roots.domain, signature) != member:
            raise SignatureError("It signed something else, or with another key.")
        return signature

    def _refused_signer(self, signed: SignedSettlement) -> int | None:
        """Which member's signature the contract would refuse, of those that signed."""
        settlement = signed.settlement
        settle = self.roots.contract.functions.settle(
            settlement.epoch,
            settlement.root,
            settlement.snapshot_hash,
            settlement.nonce,
            settlement.deadline,
            signed.signer_mask,
            signed.signatures,
        )
        try:
            self.roots.client.ask(settle.call)
        except CallRefused as refusal:
            index = refusal.values[0] if refusal.name == "SignerMismatch" else None
            if isinstance(index, int) and 0 <= index < 32 and signed.signer_mask >> index & 1:
                return index
            raise
        return None
