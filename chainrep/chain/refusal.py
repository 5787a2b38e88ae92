"""Turning a contract's custom error into a sentence and a next step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from chainrep.chain.artifact import load_artifact
from chainrep.errors import CallRefused, ChainError, DuplicateSource, UnknownSource
from chainrep.protocol.keccak import keccak

CONTRACTS = (
    "SourceRegistry",
    "ScoreLedger",
    "FeedbackLog",
    "ReputationRoots",
    "BondedGate",
    "AllowListGate",
)

_REMEDIES = {
    "ArchiveKeepsNoScores": "Read its events: this ledger was deployed as an archive.",
    "BatchTooLarge": "Send fewer sources per batch (--max-updates).",
    "BondInvalid": "Send exactly the bond that the deployment's rules name.",
    "DeadlinePassed": "Run `chainrep feedback flush` again: it signs anew.",
    "EpochNotEnded": "Wait for its end, or name an epoch since the deployment.",
    "EpochNotIn": "Somebody else was faster: see where the epoch is now.",
    "NonceNotNext": "Run `chainrep feedback flush` again: it takes up the ledger's next nonce.",
    "NotSourceOwner": "Use the account that owns the source (`chainrep source show ID`).",
    "NothingOwed": "There is nothing to withdraw: bonds come back when an epoch is decided.",
    "OwnableUnauthorizedAccount": "Use the owner's account.",
    "QuorumNotMet": "Collect the signatures of more committee members.",
    "RaterRefused": "The log's gate decides who may speak: see its bond or its list.",
    "RootNotPending": "Another root or snapshot is pending by now: look at it first.",
    "RotationNotSigned": "Both the present owner and the new one must sign.",
    "SelfVouch": "Nobody vouches for himself.",
    "SourceIsRetired": "A retired source stays retired: register a new one.",
    "TooEarly": "Wait until the time that it names.",
    "TooLate": "That time is over; nothing was spent but this attempt.",
    "UriLengthInvalid": "Use a shorter URI, and not an empty one.",
}


def explain_revert(data: object) -> ChainError:
    """The error to raise for revert ``data`` (0x hex), naming the contract's own error."""
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else b""
    entry = _errors().get(raw[:4])
    if entry is None:
        return CallRefused(f"The contract refused the call (0x{raw[:36].hex()}).")
    name, types = entry["name"], [item["type"] for item in entry["inputs"]]
    try:
        values = decode(types, raw[4:])
    except DecodingError:
        return CallRefused(f"The contract refused the call: {name}.", name=name)
    if name == "UnknownSource":
        return UnknownSource(
            f"No source has the id {values[0]}.",
            "`chainrep source list` shows the registered ones.",
        )
    if name == "AlreadyRegistered":
        return DuplicateSource(
            f"This owner has already registered this URI, as source {values[0]}.",
            "Use that id, or register another URI.",
        )
    named = ", ".join(
        f"{item['name']} {value}" for item, value in zip(entry["inputs"], values, strict=True)
    )
    summary = f"The contract refused the call: {name}{f' ({named})' if named else ''}."
    return CallRefused(summary, _REMEDIES.get(name, ""), name=name, values=values)


@cache
def _errors() -> Mapping[bytes, dict[str, Any]]:
    entries = [
        entry
        for contract in CONTRACTS
        for entry in load_artifact(contract).abi
        if entry["type"] == "error"
    ]
    return {_selector(entry): entry for entry in entries}


def _selector(entry: dict[str, Any]) -> bytes:
    types = ",".join(item["type"] for item in entry["inputs"])
    return keccak(f"{entry['name']}({types})".encode())[:4]
