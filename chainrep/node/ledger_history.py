"""A ledger's whole history: read from its events, to be compared with what the ledger says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from chainrep.chain.binding import bind
from chainrep.chain.client import Client
from chainrep.chain.event_log import BlockHead, block_head, head_number, logged_events
from chainrep.chain.score_ledger import Committee
from chainrep.errors import ChainError, FalseAnswer
from chainrep.node.log_ranges import read_ranges
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.contract_state import extend_history
from chainrep.protocol.keccak import keccak

OnBlock = Callable[[int, int], None]
"""Called with the last block that was read and the one to be reached."""
_ELSEWHERE = "Give another URL with --rpc."


@dataclass(frozen=True, slots=True)
class NonceRange:
    """The batches from ``first`` to ``last``, both included; to the newest where it is None."""

    first: int
    last: int | None

    def __contains__(self, nonce: int) -> bool:
        return self.first <= nonce and (self.last is None or nonce <= self.last)


@dataclass(frozen=True, slots=True)
class BatchOnChain:
    """One batch as its event has it, and who and what was there when it was applied.

    ``committee`` is the one that was in force, ``sources`` the highest source id that was known;
    ``time`` is the block's, in Unix seconds.
    """

    nonce: int
    time: int
    block: int
    transaction: bytes
    evidence_root: bytes
    updates: bytes
    committee: Committee
    sources: int


@dataclass(frozen=True, slots=True)
class LedgerHistory:
    """What the events up to block ``head`` say; the batches of the nonces that were asked for.

    ``recomputed`` is the rolling hash over all events from the first, ``stated`` the ledger's own.
    """

    ledger: str
    archive: bool
    head: int
    next_nonce: int
    batches: Mapping[int, BatchOnChain]
    cancelled: Collection[int]
    recomputed: int
    stated: int


@dataclass(slots=True)
class _Reading:
    """What the events read so far add up to."""

    wanted: NonceRange
    opened: bool = False
    committee: Committee | None = None
    registered: int = 0
    history: int = 0
    batches: dict[int, BatchOnChain] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)

    def add(self, event: ChainEvent) -> None:
        values: Mapping[str, Any] = event.values
        match event.name:
            case "LedgerOpened":
                self.opened = True
            case "SourceRegistered":
                self.registered += 1
            case "CommitteeChanged":
                self._replace_committee(values)
            case "NonceCancelled":
                self.history = extend_history(self.history, values["nonce"], values["time"])
                if values["nonce"] in self.wanted:
                    self.cancelled.add(values["nonce"])
            case "BatchApplied":
                entry = (values["evidenceRoot"], keccak(values["updates"]))
                self.history = extend_history(self.history, values["nonce"], values["time"], *entry)
                if values["nonce"] in self.wanted:
                    self._keep(event, values)

    def _replace_committee(self, values: Mapping[str, Any]) -> None:
        before = self.committee.version if self.committee else 0
        if self.opened and values["version"] != before + 1:
            raise FalseAnswer(
                f"Committee {values['version']} follows committee {before}: an event is missing.",
                _ELSEWHERE,
            )
        self.committee = Committee(values["version"], 0, values["threshold"], values["members"])

    def _keep(self, event: ChainEvent, values: Mapping[str, Any]) -> None:
        if self.committee is None:
            return  # the reading began too late, and will begin again
        self.batches[values["nonce"]] = BatchOnChain(
            nonce=values["nonce"],
            time=values["time"],
            block=event.block,
            transaction=event.transaction,
            evidence_root=values["evidenceRoot"],
            updates=values["updates"],
            committee=self.committee,
            sources=self.registered,
        )


def read_history(
    client: Client,
    ledger: str,
    first_block: int = 0,
    wanted: NonceRange = NonceRange(1, None),
    on_block: OnBlock | None = None,
) -> LedgerHistory:
    """Read every event of a ledger and of its registry, in ranges that the server answers.

    ``first_block`` may be a guess: where the ledger's first event is not found from there on, the
    reading begins at block 0. The batches that are wanted are kept in memory. Raises NotDeployed,
    FalseAnswer where the events are not whole in a way that no rolling hash covers, and ChainError.
    """
    contract = bind(client, "ScoreLedger", ledger)
    ask, functions = client.ask, contract.functions
    registry = str(ask(functions.registry().call))
    contracts = {"ScoreLedger": ledger, "SourceRegistry": registry}
    head = _block(client, head_number(client))
    reading = _Reading(wanted)
    for start in dict.fromkeys((first_block, 0)):
        reading = _Reading(wanted)
        for event in _events(client, contracts, start, head.number, on_block):
            reading.add(event)
        if reading.opened:
            break
    committee = Committee(*ask(lambda: functions.committee().call(block_identifier=head.number)))
    stated = int(ask(lambda: functions.history().call(block_identifier=head.number)))
    count = bind(client, "SourceRegistry", registry).functions.sourceCount()
    sources = int(ask(lambda: count.call(block_identifier=head.number)))
    if _block(client, head.number).hash != head.hash:
        raise ChainError("The chain was reorganised while it was read.", "Run it again.")
    known = reading.committee
    if known is None or replace(known, next_nonce=0) != replace(
        committee, next_nonce=0, members=tuple(committee.members)
    ):
        raise FalseAnswer(
            "The committee is another one than the ledger's events say: some are missing.",
            _ELSEWHERE,
        )
    before = sources - reading.registered  # of a registry that is older than the ledger
    return LedgerHistory(
        ledger=ledger,
        archive=bool(ask(functions.archive().call)),
        head=head.number,
        next_nonce=committee.next_nonce,
        batches={
            nonce: replace(batch, sources=batch.sources + before)
            for nonce, batch in reading.batches.items()
        },
        cancelled=reading.cancelled,
        recomputed=reading.history,
        stated=stated,
    )


def _events(
    client: Client, contracts: Mapping[str, str], first: int, last: int, on_block: OnBlock | None
) -> Iterator[ChainEvent]:
    read = partial(logged_events, client, contracts)
    for end, logged in read_ranges(read, first, last):
        yield from (entry.event for entry in logged)
        if on_block is not None:
            on_block(end, last)


def _block(client: Client, number: int) -> BlockHead:
    found = block_head(client, number)
    if found is None:
        raise ChainError(
            f"The chain at {client.label} has no block {number} any more.",
            "Its servers may be behind each other, or it was reorganised: run it again.",
        )
    return found
