"""A committee member that settles: it signs a root only if it has computed the same one itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from eth_account import Account

from chainrep.chain.reputation_roots import EpochState, ReputationRoots
from chainrep.errors import SigningRefused
from chainrep.node.epoch_reader import EpochReader
from chainrep.node.settler import SETTLE_AHEAD_SECONDS
from chainrep.protocol.settlement import RootsDomain, Settlement, sign_settlement

_SKEW_SECONDS = 600


class SettlingMember:
    """A member's key and its own index of the chain; any thread may ask it to sign.

    ``open_reader`` is called once, in the one thread in which epochs are then computed. What it
    signed need not be remembered: of one epoch it only ever signs the same root, and the contract
    takes one settlement.
    """

    def __init__(
        self, roots: ReputationRoots, open_reader: Callable[[], EpochReader], private_key: bytes
    ) -> None:
        self.address = str(Account.from_key(private_key).address)
        self._roots = roots
        self._open = open_reader
        self._key = private_key
        self._reader: EpochReader | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="settle")

    def sign(self, settlement: Settlement, domain: RootsDomain) -> bytes:
        """The member's signature.

        Raises SigningRefused with the reason, ChainError where its chain fails, StoreError where
        its index does.
        """
        if domain != self._roots.domain:
            raise SigningRefused(
                f"This member settles for {self._roots.domain.contract} on chain"
                f" {self._roots.domain.chain_id} only."
            )
        self._check_place(settlement)
        computed = self._thread.submit(self._compute, settlement.epoch).result()
        if computed is None:
            raise SigningRefused(
                f"This member's index has not passed the end of epoch {settlement.epoch} deeply"
                " enough, or is behind the chain, or owners of sources are still to be compared.",
                "Run `chainrep node run` in its home folder, then ask again.",
            )
        if computed != (settlement.root, settlement.snapshot_hash):
            raise SigningRefused(
                f"This member computed the root 0x{computed[0].hex()} over the snapshot"
                f" 0x{computed[1].hex()} for epoch {settlement.epoch}."
            )
        return sign_settlement(settlement, domain, self._key)

    def _check_place(self, settlement: Settlement) -> None:
        committee, now = self._roots.committee(), self._roots.client.now()
        if self.address not in committee.members:
            raise SigningRefused(f"{self.address} is not in the committee of the roots.")
        place = (settlement.committee, settlement.nonce)
        if place != (committee.version, committee.next_nonce):
            raise SigningRefused(
                f"The settlement is for committee {place[0]} and nonce {place[1]}, the contract has"
                f" {committee.version} and {committee.next_nonce}."
            )
        if not now < settlement.deadline <= now + SETTLE_AHEAD_SECONDS + _SKEW_SECONDS:
            raise SigningRefused("The settlement's deadline has passed or is too far ahead.")
        found = self._roots.epoch(settlement.epoch)
        if (found.state, found.attempt) != (EpochState.CHALLENGED, settlement.attempt):
            raise SigningRefused(
                f"Epoch {settlement.epoch} is not challenged in attempt {settlement.attempt}."
            )

    def _compute(self, epoch: int) -> tuple[bytes, bytes] | None:
        if self._reader is None:
            self._reader = self._open()
        return self._reader.digests(epoch)
