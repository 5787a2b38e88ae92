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
    "VerdictLedger",
    "VerificationJobs",
    "PrevrandaoBeacon",
    "BondedGate",
    "AllowListGate",
)

_REMEDIES = {
    "AlreadyDecided": "Leave this receipt out: its verdict is for good.",
    "ArchiveKeepsNoScores": "Read its events: this ledger was deployed as an archive.",
    "BallotNotSigned": "The seat's owner must sign, or send the ballot itself.",
    "BallotsMismatch": "Rebuild the job from its events: another ballot was sealed meanwhile.",
    "BatchTooLarge": "Send fewer sources per batch (--max-updates).",
    "BondInvalid": "Send exactly the bond that the deployment's rules name.",
    "ClaimInvalid": "A receipt has a root, a header and 1 to 32,768 leaves.",
    "ConditionsInvalid": "See docs/contracts.md for the limits; only the requester requests.",
    "DeadlinePassed": "Run `chainrep feedback flush` again: it signs anew.",
    "EpochNotEnded": "Wait for its end, or name an epoch since the deployment.",
    "EpochNotIn": "Somebody else was faster: see where the epoch is now.",
    "JobExists": "These very terms were requested before: change the time to commit by.",
    "JobMismatch": "Rebuild the job from its events: it has moved on.",
    "JobNotIn": "The job has moved on: see where it is now.",
    "LeafNotProven": "Open the leaf that was drawn, of the receipt that was committed to.",
    "NobodyToSit": "Try again in a later block, or wait until more seats are taken.",
    "NonceNotNext": "Run `chainrep feedback flush` again: it takes up the ledger's next nonce.",
    "NotAppealable": "A verdict is appealed once, and not where a leaf was withheld.",
    "NotProvider": "The terms name another provider, or you requested the job yourself.",
    "NotSeatOwner": "Use the account that took the seat.",
    "NothingToCollect": "A seat keeps its bond until its notice is over.",
    "NotSourceOwner": "Use the account that owns the source (`chainrep source show ID`).",
    "NothingOwed": "There is nothing to withdraw: money comes when an epoch or a job is decided.",
    "OwnableUnauthorizedAccount": "Use the owner's account.",
    "QuorumNotMet": "Collect the signatures of more committee members.",
    "PlaceInvalid": "Nobody sits there, or that seat has sealed its ballot.",
    "RaterRefused": "The log's gate decides who may speak: see its bond or its list.",
    "RootNotPending": "Another root or snapshot is pending by now: look at it first.",
    "RoundNotReached": "Wait for the next block: the beacon's value is not known yet.",
    "RotationNotSigned": "Both the present owner and the new one must sign.",
    "SeatFull": "Add less: the seat holds almost all that it can.",
    "SeatInGoodStanding": "Only its owner removes a seat that can be drawn.",
    "SeatNotAt": "The seat has moved in the list: try again.",
    "SelfVouch": "Nobody vouches for himself.",
    "SourceIsRetired": "A retired source stays retired: register a new one.",
    "TooEarly": "Wait until the time that it names.",
    "TooLate": "That time is over; nothing was spent but this attempt.",
    "TransferFailed": "Name an address that takes what it is sent.",
    "UriLengthInvalid": "Use a shorter URI, and not an empty one.",
    "ValueInvalid": "Send exactly what the call costs.",
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
