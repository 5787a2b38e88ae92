"""Blocks, logs and the contracts' own word, as raw JSON-RPC: checked, because servers err and lie.

web3's formatting is left out: for thousands of logs it takes longer than everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3.types import RPCEndpoint

from chainrep.chain.client import Client
from chainrep.errors import ChainError, FalseAnswer, InputError
from chainrep.protocol.chain_event import ChainEvent, name_of, read_values
from chainrep.protocol.contract_state import ContractState, committee_hash
from chainrep.protocol.keccak import keccak

MAX_CONTENT = 1 << 20
"""Bytes of one event; the longest batch that the ledger's largest limit allows has 786,420."""
MAX_LOGS = 200_000
"""Logs of one range of blocks, before it is called too large."""
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.IGNORECASE)
_QUANTITY = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)
_MAX_INTEGER = 2**63 - 1
_MAX_COMMITTEE = (5 + 32) * 32
"""Bytes of the answer that names 32 members."""


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block's place in the chain; ``time`` in Unix seconds."""

    number: int
    hash: bytes
    parent: bytes
    time: int


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event, with the hash of its block."""

    event: ChainEvent
    block_hash: bytes


def head_number(client: Client) -> int:
    """The newest block's number; raise ChainError."""
    return _integer(_request(client, "eth_blockNumber", []))


def block_head(client: Client, number: int) -> BlockHead | None:
    """The block at this height, None above the head; raise ChainError."""
    found = _request(client, "eth_getBlockByNumber", [hex(number), False])
    if found is None:
        return None
    if not isinstance(found, dict):
        raise FalseAnswer(f"Block {number} is no block.")
    block = BlockHead(
        number=_integer(found.get("number")),
        hash=_fixed(found.get("hash"), 32),
        parent=_fixed(found.get("parentHash"), 32),
        time=_integer(found.get("timestamp")),
    )
    if block.number != number:
        raise FalseAnswer(f"Block {number} was asked for, block {block.number} came.")
    return block


def logged_events(
    client: Client,
    contracts: Mapping[str, str],
    first: int,
    last: int,
    subject: bytes | None = None,
) -> Sequence[LoggedEvent]:
    """Every event of these contracts (addresses by name) in a range of blocks, in order.

    With a ``subject`` of 32 bytes, only those whose first indexed argument it is. Raises
    FalseAnswer for what cannot be true, and ChainError where the request fails, as it does when the
    range is too large for the server.
    """
    span: dict[str, Any] = {"fromBlock": hex(first), "toBlock": hex(last)}
    span["address"] = list(contracts.values())
    if subject is not None:
        span["topics"] = [None, "0x" + subject.hex()]
    logs = _request(client, "eth_getLogs", [span])
    if not isinstance(logs, list):
        raise FalseAnswer("A list of logs is no list.")
    if len(logs) > MAX_LOGS:
        raise ChainError(f"Blocks {first} to {last} hold more than {MAX_LOGS:,} logs.")
    names = {bytes.fromhex(address[2:]): name for name, address in contracts.items()}
    found = [_logged_event(names, log) for log in logs]
    if subject is not None and any(logged.event.topics[:32] != subject for logged in found):
        raise FalseAnswer("A log is about something else than was asked for.")
    before, hashes = (-1, -1), dict[int, bytes]()
    for logged in found:
        place = (logged.event.block, logged.event.log)
        if not first <= place[0] <= last:
            raise FalseAnswer(f"A log of block {place[0]} came for blocks {first} to {last}.")
        if place <= before:
            raise FalseAnswer(f"Log {place[1]} of block {place[0]} is out of order, or came twice.")
        if hashes.setdefault(place[0], logged.block_hash) != logged.block_hash:
            raise FalseAnswer(f"Logs of block {place[0]} name two hashes of it.")
        before = place
    return found


def stated_state(
    client: Client, contracts: Mapping[str, str], block: int, archive: bool | None
) -> ContractState:
    """What the contracts themselves say at the end of a block; before they exist, nothing.

    Nonces are not asked for: the rolling hashes cover them. Raises ChainError, as where the server
    has not kept that block's state.
    """

    def words(contract: str, signature: str, count: int) -> Sequence[int]:
        call = {"to": contracts[contract], "data": "0x" + keccak(signature.encode())[:4].hex()}
        answer = _bytes(_request(client, "eth_call", [call, hex(block)]), 32 * count)
        if len(answer) not in {0, 32 * count}:
            raise FalseAnswer(f"{contract}.{signature} answered {len(answer)} bytes.")
        padded = answer.ljust(32 * count, b"\0")
        return [int.from_bytes(padded[i : i + 32]) for i in range(0, 32 * count, 32)]

    (ledger,) = words("ScoreLedger", "history()", 1)
    entries, log = words("FeedbackLog", "log()", 2)
    (roots,) = words("ReputationRoots", "history()", 1)
    (sources,) = words("SourceRegistry", "sourceCount()", 1)
    state = ContractState(
        ledger=ledger, log=log, entries=entries, roots=roots, sources=sources, archive=archive
    )
    if "VerdictLedger" not in contracts:
        return state
    (verdicts,) = words("VerdictLedger", "history()", 1)
    verifiers = _stated_committee(client, contracts["VerdictLedger"], block)
    return replace(state, verdicts=verdicts, verifiers=verifiers)


def _stated_committee(client: Client, contract: str, block: int) -> int:
    """The hash of the contract's committee at the end of a block; 0 before it exists."""
    call = {"to": contract, "data": "0x" + keccak(b"committee()")[:4].hex()}
    answer = _bytes(_request(client, "eth_call", [call, hex(block)]), _MAX_COMMITTEE)
    if not answer:
        return 0
    try:
        found = decode(["uint32", "uint64", "uint8", "address[]"], answer)
    except (DecodingError, OverflowError, ValueError) as error:
        raise FalseAnswer("A committee in an answer is none.") from error
    version, _, threshold, members = found
    return committee_hash(version, threshold, members)


def _logged_event(names: Mapping[bytes, str], log: object) -> LoggedEvent:
    if not isinstance(log, dict) or log.get("removed"):
        raise FalseAnswer("A log is none, or was removed from the chain.")
    contract = names.get(_fixed(log.get("address"), 20))
    if contract is None:
        raise FalseAnswer("A log comes from another contract than asked for.")
    topics = log.get("topics")
    if not isinstance(topics, list) or not 0 < len(topics) <= 4:
        raise FalseAnswer(f"A log of {contract} has not 1 to 4 topics.")
    signature, *indexed = (_fixed(topic, 32) for topic in topics)
    name = name_of(contract, signature)
    if name is None:
        raise FalseAnswer(f"A log of {contract} is none of its events.")
    content = _bytes(log.get("data"), MAX_CONTENT)
    try:
        values = read_values(contract, name, b"".join(indexed), content)
    except InputError as error:
        raise FalseAnswer(error.summary) from error
    event = ChainEvent(
        contract=contract,
        name=name,
        block=_integer(log.get("blockNumber")),
        log=_integer(log.get("logIndex")),
        transaction=_fixed(log.get("transactionHash"), 32),
        topics=b"".join(indexed),
        content=content,
        values=values,
    )
    if (event.subject or 0) > _MAX_INTEGER:
        raise FalseAnswer(f"A log of {contract} is about a number that it never reaches.")
    return LoggedEvent(event, _fixed(log.get("blockHash"), 32))


def _request(client: Client, method: str, params: list[Any]) -> Any:
    response = client.ask(
        lambda: client.w3.provider.make_request(RPCEndpoint(method), cast(Any, params))
    )
    if "error" in response:
        error = response["error"]
        text = error.get("message") if isinstance(error, dict) else error
        raise ChainError(f"The chain at {client.label} refused {method}: {_short(str(text))}.")
    return response.get("result")


def _integer(value: object) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise FalseAnswer("A number in an answer is none.")
    number = int(value, 16)
    if number > _MAX_INTEGER:
        raise FalseAnswer("A number in an answer is too large.")
    return number


def _bytes(value: object, limit: int) -> bytes:
    if not isinstance(value, str) or len(value) > 2 + 2 * limit or not _HEX.fullmatch(value):
        raise FalseAnswer("Bytes in an answer are none, or too many.")
    return bytes.fromhex(value[2:])


def _fixed(value: object, size: int) -> bytes:
    found = _bytes(value, size)
    if len(found) != size:
        raise FalseAnswer(f"{size} bytes in an answer are {len(found)}.")
    return found


def _short(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= 200 else line[:200] + "…"
