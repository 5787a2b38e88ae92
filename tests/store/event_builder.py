"""Events as a chain would give them, built by hand for tests of the store."""

from __future__ import annotations

from collections.abc import Sequence

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainrep.protocol.chain_event import ChainEvent, read_values
from chainrep.protocol.contract_state import ContractState, state_after
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import ScoreUpdate
from chainrep.store.chain_index import Checkpoint

ALICE = "0x" + "aa" * 20
BOB = "0x" + "bb" * 20
ADDRESSES = dict.fromkeys(("SourceRegistry", "ScoreLedger", "FeedbackLog"), ALICE)


def opened(block: int, archive: bool = False, log: int = 0) -> ChainEvent:
    rest = encode(["bool"], [archive])
    return _event("ScoreLedger", "LedgerOpened", block, log, encode(["address"], [ALICE]), rest)


def registered(block: int, source: int, log: int = 0) -> ChainEvent:
    topics = encode(["uint32", "address"], [source, ALICE])
    rest = encode(["uint40", "string"], [time_of(block), f"https://{source}.example"])
    return _event("SourceRegistry", "SourceRegistered", block, log, topics, rest)


def rotated(block: int, source: int, way: tuple[str, str], number: int, log: int = 0) -> ChainEvent:
    topics = encode(["uint32", "address", "address"], [source, *way])
    rest = encode(["uint32"], [number])
    return _event("SourceRegistry", "SourceRotated", block, log, topics, rest)


def retired(block: int, source: int, log: int = 0) -> ChainEvent:
    topics, rest = encode(["uint32"], [source]), encode(["uint40"], [time_of(block)])
    return _event("SourceRegistry", "SourceRetired", block, log, topics, rest)


def bound(block: int, source: int, agent: int, log: int = 0) -> ChainEvent:
    topics = encode(["uint32", "uint256"], [source, agent])
    return _event("SourceRegistry", "AgentBound", block, log, topics, b"")


def applied(
    block: int, nonce: int, updates: Sequence[ScoreUpdate] | bytes, log: int = 0
) -> ChainEvent:
    packed = updates if isinstance(updates, bytes) else pack_updates(updates)
    rest = encode(["uint40", "bytes32", "bytes"], [time_of(block), bytes(32), packed])
    topics = encode(["uint64"], [nonce])
    return _event("ScoreLedger", "BatchApplied", block, log, topics, rest)


def rated(block: int, updates: Sequence[ScoreUpdate], log: int = 0) -> ChainEvent:
    values = [100, time_of(block), pack_updates(updates)]
    rest = encode(["uint32", "uint40", "bytes"], values)
    return _event("FeedbackLog", "Rated", block, log, encode(["address"], [BOB]), rest)


def time_of(block: int) -> int:
    return 1_700_000_000 + 12 * block


def checkpoint(
    block: int, events: Sequence[ChainEvent], before: Checkpoint | None, fork: str = ""
) -> Checkpoint:
    """The checkpoint that these events lead to; ``fork`` tells blocks of one height apart."""
    state = before.state if before else ContractState()
    for event in events:
        state = state_after(state, event)
    return Checkpoint(block, keccak(text=f"{block} {fork}"), time_of(block), state, verified=True)


def _event(
    contract: str, name: str, block: int, log: int, topics: bytes, rest: bytes
) -> ChainEvent:
    values = read_values(contract, name, topics, rest)
    transaction = keccak(topics + rest)
    return ChainEvent(contract, name, block, log, transaction, topics, rest, values)
