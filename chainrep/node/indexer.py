"""The indexer: the contracts' events → the local store, and back again when the chain reorganises.

Nothing that a server says is believed on its word alone. Near the head every step recomputes the
contracts' rolling hashes from the events and compares them with what the contracts say in the same
block, before anything is stored; further down it does so where the server still has the state, and
marks as unverified what it could not compare. A log that a server leaves out is therefore a refused
answer, never a wrong score. The verdict ledger's committee is compared too, because its signers
speak in reputations. What no hash covers, and a server could keep back alone: a change of owner, a
retirement, a tie to an agent, and the proposals and challenges of roots.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chainrep.chain.address_book import Deployment
from chainrep.chain.client import Client
from chainrep.chain.event_log import (
    BlockHead,
    LoggedEvent,
    block_head,
    head_number,
    logged_events,
    stated_state,
)
from chainrep.errors import ChainError, FalseAnswer, InputError
from chainrep.node.log_ranges import RangeSize, smaller_helps
from chainrep.protocol.contract_state import ContractState, state_after
from chainrep.store.chain_index import DENSE_BLOCKS, ChainIndex, Checkpoint

MAX_LAG = 32
"""Blocks that a server may be behind the index before another one is asked."""
_NO_PROGRESS = 50


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """After one step: the last block indexed, the one to be reached, and the events of the step.

    ``at_head`` says that there is nothing more to do for now.
    """

    block: int
    target: int
    events: int
    at_head: bool


class Indexer:
    """Copies the events of one deployment into the store, in the thread that opened ``db``.

    ``confirmations`` is how many blocks an event must be deep, its own included: with 1 the head is
    indexed at once, and reorganisations are undone when they come.
    """

    def __init__(
        self,
        client: Client,
        deployment: Deployment,
        db: sqlite3.Connection,
        confirmations: int = 1,
        size: RangeSize | None = None,
    ) -> None:
        if confirmations < 1:
            raise InputError(f"An event has at least 1 confirmation, not {confirmations}.")
        self.client = client
        self.index = ChainIndex(db, deployment.ledger_id, deployment.indexed)
        self._contracts = deployment.indexed
        self._first_block = deployment.block
        self._confirmations = confirmations
        self._size = size or RangeSize()

    def catch_up(self, on_step: Callable[[IndexProgress], None] | None = None) -> IndexProgress:
        """Step until the head is reached; raises what ``step`` raises."""
        idle = 0
        while True:
            before = self.index.cursor()
            progress = self.step()
            if on_step is not None:
                on_step(progress)
            if progress.at_head:
                return progress
            idle = idle + 1 if self.index.cursor() == before else 0
            if idle > _NO_PROGRESS:
                raise ChainError(
                    f"The chain at {self.client.label} changes faster than it can be read.",
                    "Try again later, or give another URL with --rpc.",
                )

    def step(self) -> IndexProgress:
        """Do one bounded piece of work: read a range, go back to a fork, or find nothing to do.

        Raises ChainUnreachable and ChainError where the chain fails, FalseAnswer where a server
        contradicts itself or the contracts and there is no other one, and StoreError. The index is
        as good after an error as before it.
        """
        cursor = self.index.cursor()
        first = self._first_block if cursor is None else cursor.block + 1
        try:
            head = head_number(self.client)
            target = head - (self._confirmations - 1)
            if first > target:
                return self._stay(cursor, head, target)
            return self._advance(cursor, first, target)
        except FalseAnswer as lie:
            return self._distrust(lie, first)

    def _advance(self, cursor: Checkpoint | None, first: int, target: int) -> IndexProgress:
        first, last = self._size.range_from(first, target)
        end = self._block(last)
        try:
            logged = logged_events(self.client, self._contracts, first, last)
        except FalseAnswer:
            raise
        except ChainError as refusal:
            return self._shrink(refusal, cursor, first, last, target)
        near = last > target - DENSE_BLOCKS
        archive = _archive_after(cursor, logged)
        stated = self._stated(last, archive, near)
        start = end if first == last else self._block(first)
        if cursor is not None and start.parent != cursor.hash:
            return self._go_back(cursor, target)
        if self._block(last) != end:
            return self._progress(target, 0)  # the chain changed meanwhile: fetch again
        if any(e.event.block == last and e.block_hash != end.hash for e in logged):
            raise FalseAnswer(f"Logs of block {last} name another hash than the block has.")
        reached = _checkpoints(cursor, logged, end, verified=stated is not None)
        if stated is not None:
            _compare(reached[-1], stated)
        try:
            added = self.index.extend(cursor, [entry.event for entry in logged], reached)
        except InputError as error:
            raise FalseAnswer(error.summary) from error
        if last - first + 1 == self._size.blocks:
            self._size = self._size.after(len(logged))
        return self._progress(target, len(logged) if added else 0)

    def _stay(self, cursor: Checkpoint | None, head: int, target: int) -> IndexProgress:
        """Nothing new: see that the chain is still the one that was indexed."""
        if cursor is None:
            return IndexProgress(target, target, 0, at_head=True)
        # A server that is behind shows a shorter chain. As long as it is the beginning of ours, it
        # says nothing against the rest.
        known = next((c for c in self.index.checkpoints() if c.block <= head), None)
        if known is not None and not self._is_there(known):
            return self._go_back(cursor, target)
        if not cursor.verified and cursor.block <= head:
            stated = stated_state(self.client, self._contracts, cursor.block, cursor.state.archive)
            if not self._is_there(cursor):
                return self._progress(target, 0)
            _compare(cursor, stated)
            self.index.confirm(cursor)
        lag = cursor.block - head
        if lag > MAX_LAG and self.client.switch_rpc(f"it is {lag} blocks behind"):
            return self._progress(target, 0)
        return IndexProgress(cursor.block, target, 0, at_head=True)

    def _go_back(self, cursor: Checkpoint, target: int) -> IndexProgress:
        """Undo what is not in the chain any more, down to the newest checkpoint that still is."""
        older = (c for c in self.index.checkpoints() if c.block < cursor.block)
        self.index.roll_back(cursor, next(filter(self._is_there, older), None))
        return self._progress(target, 0)

    def _is_there(self, checkpoint: Checkpoint) -> bool:
        found = block_head(self.client, checkpoint.block)
        return found is not None and found.hash == checkpoint.hash

    def _distrust(self, lie: FalseAnswer, target: int) -> IndexProgress:
        """Forget what was not verified, since part of it may be false, and ask another server."""
        cursor = self.index.cursor()
        if cursor is not None and not cursor.verified:
            sound = next((c for c in self.index.checkpoints() if c.verified), None)
            self.index.roll_back(cursor, sound)
        label = self.client.label
        if self.client.switch_rpc(lie.summary):
            return self._progress(target, 0)
        raise FalseAnswer(
            f"The chain at {label} gave an answer that cannot be true: {lie.summary}",
            "Nothing of it was kept. Give another URL with --rpc, several with commas.",
        ) from lie

    def _shrink(
        self, refusal: ChainError, cursor: Checkpoint | None, first: int, last: int, target: int
    ) -> IndexProgress:
        """Ask for less next time, unless that cannot help."""
        if not smaller_helps(refusal, first, last):
            raise refusal
        self._size = self._size.shrunk(last - first + 1, refusal.summary)
        return IndexProgress(cursor.block if cursor else first - 1, target, 0, at_head=False)

    def _stated(self, block: int, archive: bool | None, near: bool) -> ContractState | None:
        """What the contracts say in this block; None where the server has forgotten it."""
        try:
            return stated_state(self.client, self._contracts, block, archive)
        except FalseAnswer:
            raise
        except ChainError:
            if near:
                raise
            return None

    def _block(self, number: int) -> BlockHead:
        block = block_head(self.client, number)
        if block is None:
            raise ChainError(
                f"The chain at {self.client.label} has no block {number} any more.",
                "Its servers may be behind each other, or it was reorganised: try again.",
            )
        return block

    def _progress(self, target: int, events: int) -> IndexProgress:
        cursor = self.index.cursor()
        block = cursor.block if cursor else self._first_block - 1
        reached = block == target and cursor is not None and cursor.verified
        return IndexProgress(block, target, events, at_head=reached)


def _archive_after(cursor: Checkpoint | None, logged: Sequence[LoggedEvent]) -> bool | None:
    opened = (e.event.values["archive"] for e in logged if e.event.name == "LedgerOpened")
    return next(opened, cursor.state.archive if cursor else None)


def _checkpoints(
    cursor: Checkpoint | None, logged: Sequence[LoggedEvent], end: BlockHead, verified: bool
) -> Sequence[Checkpoint]:
    """The range's end, and before it the blocks whose hash and time their own logs tell."""
    state = cursor.state if cursor else ContractState()
    found: dict[int, Checkpoint] = {}
    for entry in logged:
        event = entry.event
        try:
            state = state_after(state, event)
        except InputError as error:
            raise FalseAnswer(error.summary) from error
        known = found.get(event.block)
        time = event.values.get("time", known.time if known else None)
        if end.number - DENSE_BLOCKS <= event.block < end.number and time is not None:
            found[event.block] = Checkpoint(event.block, entry.block_hash, time, state, verified)
    return [*found.values(), Checkpoint(end.number, end.hash, end.time, state, verified)]


def _compare(reached: Checkpoint, stated: ContractState) -> None:
    expected = replace(
        stated,
        ledger_nonce=reached.state.ledger_nonce,
        roots_nonce=reached.state.roots_nonce,
        verdicts_nonce=reached.state.verdicts_nonce,
        archive=reached.state.archive,
    )
    if reached.state != expected:
        raise FalseAnswer(
            f"The events up to block {reached.block} are not what the contracts say there: a log"
            " is missing or false."
        )
