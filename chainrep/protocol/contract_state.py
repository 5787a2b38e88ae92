"""What the contracts hold if a list of events is whole: to be compared with what they say.

The rolling hashes are those of docs/protocol.md. A log that was left out, added or changed shows as
another value than ``history()``, ``log()`` or ``sourceCount()`` give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrep.errors import InputError
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.keccak import keccak

_LOW_160 = (1 << 160) - 1
_RATING, _VOUCH = 0, 1


@dataclass(frozen=True, slots=True)
class ContractState:
    """Rolling hashes (160 bits), next nonces and counts after some block's events.

    ``archive`` is None until the ledger has said which of the two it is. ``verdicts`` and
    ``verifiers`` are of the verdict ledger, its history and its committee: where there is none,
    they stay as they begin.
    """

    ledger: int = 0
    ledger_nonce: int = 1
    log: int = 0
    entries: int = 0
    roots: int = 0
    roots_nonce: int = 1
    sources: int = 0
    archive: bool | None = None
    verdicts: int = 0
    verdicts_nonce: int = 1
    verifiers: int = 0


def state_after(state: ContractState, event: ChainEvent) -> ContractState:
    """The state once this event is added; raise InputError where one before it is missing."""
    values = event.values
    match event.name:
        case "LedgerOpened":
            return replace(state, archive=values["archive"])
        case "SourceRegistered":
            if values["id"] != state.sources + 1:
                raise InputError(f"Source {values['id']} follows source {state.sources}.")
            return replace(state, sources=values["id"])
        case "Rated" | "Vouched":
            return _after_entry(state, event)
        case "CommitteeChanged" if event.contract == "VerdictLedger":
            found = (values["version"], values["threshold"], values["members"])
            return replace(state, verifiers=committee_hash(*found))
        case "BatchApplied" | "NonceCancelled" | "EpochSettled" | "VerdictsApplied":
            return _after_nonce(state, event)
    return state


def extend_history(history: int, *entry: int | bytes) -> int:
    """The rolling hash after one more entry, whose parts take a word of 32 bytes each."""
    return int.from_bytes(keccak(_words(history, keccak(_words(*entry))))) & _LOW_160


def committee_hash(version: int, threshold: int, members: Sequence[str]) -> int:
    """One number (160 bits) that stands for a committee: its members sign by their places."""
    seats = (bytes.fromhex(member[2:]).rjust(32, b"\0") for member in members)
    return extend_history(0, version, threshold, *seats)


def _after_nonce(state: ContractState, event: ChainEvent) -> ContractState:
    values, nonce = event.values, event.values["nonce"]
    if event.name == "BatchApplied" and state.archive is None:
        raise InputError("A batch comes before the event that opened its ledger.")
    entry: tuple[int | bytes, ...] = ()
    if event.name == "BatchApplied":
        entry = (values["evidenceRoot"], keccak(values["updates"]))
    elif event.name == "EpochSettled":
        entry = (values["epoch"], values["root"].ljust(32, b"\0"), values["snapshotHash"])
    elif event.name == "VerdictsApplied":
        verdicts = keccak(values["verdicts"])
        entry = (values["signerMask"], values["evidenceRoot"], verdicts)

    def extended(history: int, expected: int) -> int:
        if nonce != expected:
            raise InputError(f"Nonce {nonce} of {event.contract} is used, but {expected} is next.")
        return extend_history(history, nonce, values["time"], *entry)

    match event.contract:
        case "ReputationRoots":
            roots = extended(state.roots, state.roots_nonce)
            return replace(state, roots=roots, roots_nonce=nonce + 1)
        case "VerdictLedger":
            verdict_history = extended(state.verdicts, state.verdicts_nonce)
            return replace(state, verdicts=verdict_history, verdicts_nonce=nonce + 1)
    ledger = extended(state.ledger, state.ledger_nonce)
    return replace(state, ledger=ledger, ledger_nonce=nonce + 1)


def _after_entry(state: ContractState, event: ChainEvent) -> ContractState:
    values = event.values
    said = (_RATING, values["updates"]) if event.name == "Rated" else (_VOUCH, values["vouches"])
    rater = bytes.fromhex(values["rater"][2:]).rjust(32, b"\0")
    entry = (said[0], rater, values["weight"], values["time"], keccak(said[1]))
    return replace(state, log=extend_history(state.log, *entry), entries=state.entries + 1)


def _words(*parts: int | bytes) -> bytes:
    return b"".join(part.to_bytes(32) if isinstance(part, int) else part for part in parts)
