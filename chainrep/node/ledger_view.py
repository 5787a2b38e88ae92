"""What a ledger says now, and what it said deep enough in the chain to stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrep.chain.binding import logs_of
from chainrep.chain.fees import GWEI
from chainrep.chain.score_ledger import Committee, ScoreLedger
from chainrep.errors import FalseAnswer
from chainrep.node.log_ranges import read_ranges

_MANY = 2**48


@dataclass(frozen=True, slots=True)
class LedgerView:
    """One look at a ledger: times are those of blocks (Unix seconds), ``base_fee`` is wei per gas.

    The confirmed block is the newest one that has as many confirmations as the reader demands;
    before the ledger was deployed, its version and nonce are 0 there.
    """

    committee: Committee
    block: int
    time: int
    base_fee: int
    confirmed_block: int
    confirmed_time: int
    confirmed_version: int
    confirmed_nonce: int


@dataclass(frozen=True, slots=True)
class SpentNonce:
    """What a nonce was spent on: an evidence root, or None where it was cancelled."""

    evidence_root: bytes | None
    block: int
    transaction: bytes


def view_ledger(ledger: ScoreLedger, confirmations: int) -> LedgerView:
    """Look at the newest block and at the one with so many confirmations; raise ChainError.

    A block's own counts as one: with 1 confirmation, the newest block is the confirmed one.
    """
    client, eth = ledger.client, ledger.client.w3.eth
    function = ledger.contract.functions.committee()
    newest = client.ask(lambda: eth.get_block("latest"))
    if not (newest["number"] < _MANY and newest["timestamp"] < _MANY):
        raise FalseAnswer(f"The chain at {client.label} states no possible block or time.")
    committee = Committee(*client.ask(lambda: function.call(block_identifier=newest["number"])))
    if not committee.next_nonce < _MANY:
        raise FalseAnswer(f"The chain at {client.label} states no possible nonce.")
    depth = max(0, newest["number"] - (confirmations - 1))
    confirmed, version, nonce = newest, committee.version, committee.next_nonce
    if depth < newest["number"]:
        confirmed = client.ask(lambda: eth.get_block(depth))
        deployed = client.ask(lambda: eth.get_code(ledger.contract.address, depth))
        version, nonce = 0, 0
        if deployed:
            version, nonce, *_ = client.ask(lambda: function.call(block_identifier=depth))
    return LedgerView(
        committee=committee,
        block=newest["number"],
        time=newest["timestamp"],
        base_fee=newest.get("baseFeePerGas", GWEI),
        confirmed_block=depth,
        confirmed_time=confirmed["timestamp"],
        confirmed_version=version,
        confirmed_nonce=nonce,
    )


def spent_on(
    ledger: ScoreLedger, nonce: int, first_block: int, last_block: int
) -> SpentNonce | None:
    """What a nonce was spent on within these blocks; None where the chain does not show it.

    Asks for as many blocks at once as the server answers. None is no proof that nothing happened:
    the server may be about to show it, or keep no events. Raises ChainError.
    """
    events = ledger.contract.events

    def read(first: int, last: int) -> Sequence[Any]:
        return [
            log
            for event in (events.BatchApplied(), events.NonceCancelled())
            for log in logs_of(ledger.client, event, first, {"nonce": nonce}, last)
        ]

    for _, logs in read_ranges(read, first_block, last_block):
        for log in logs:
            root = log["args"].get("evidenceRoot")
            return SpentNonce(
                None if root is None else bytes(root),
                log["blockNumber"],
                bytes(log["transactionHash"]),
            )
    return None
