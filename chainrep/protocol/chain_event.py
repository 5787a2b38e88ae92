"""The contracts' events: their signatures, and how a log's bytes are read.

Signatures are those of ``contracts/interfaces`` and of what the contracts inherit. They stand here
once more, so that stored events can be read without a chain; a test compares them with the ABIs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak

_EIP712 = ("EIP712DomainChanged()",)
_SUCCEEDS = ("Succeeds(address indexed predecessor)",)
_OWNED = (
    "OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner)",
    "OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
)
_COMMITTEE = (
    *_EIP712, *_SUCCEEDS, *_OWNED,
    "CommitteeChanged(uint32 indexed version, uint8 threshold, address[] members)",
    "NonceCancelled(uint64 indexed nonce, uint40 time)",
)  # fmt: skip
SIGNATURES: Mapping[str, Sequence[str]] = {
    "SourceRegistry": (
        *_EIP712, *_SUCCEEDS,
        "SourceRegistered(uint32 indexed id, address indexed owner, uint40 time, string uri)",
        "SourceRotated(uint32 indexed id, address indexed from, address indexed to,"
        " uint32 rotations)",
        "SourceRetired(uint32 indexed id, uint40 time)",
        "AgentBound(uint32 indexed id, uint256 indexed agentId)",
    ),
    "ScoreLedger": (
        *_COMMITTEE,
        "LedgerOpened(address indexed registry, bool archive)",
        "UpdateLimitChanged(uint16 limit)",
        "BatchApplied(uint64 indexed nonce, uint40 time, bytes32 evidenceRoot, bytes updates)",
    ),
    "FeedbackLog": (
        *_SUCCEEDS,
        "LogOpened(address indexed registry, address indexed gate)",
        "Rated(address indexed rater, uint32 weight, uint40 time, bytes updates)",
        "Vouched(address indexed rater, uint32 weight, uint40 time, bytes vouches)",
    ),
    "ReputationRoots": (
        *_COMMITTEE,
        "RootsOpened((bytes32,uint40,uint40,uint40,uint256) rules, uint40 firstEpoch)",
        "RootProposed(uint40 indexed epoch, address indexed proposer, uint48 attempt, uint40 time,"
        " bytes20 root, bytes32 snapshotHash, string uri)",
        "RootChallenged(uint40 indexed epoch, address indexed challenger)",
        "RootFinal(uint40 indexed epoch, address indexed winner, bytes20 root,"
        " bytes32 snapshotHash, uint256 credit)",
        "EpochSettled(uint64 indexed nonce, uint40 indexed epoch, uint40 time, bytes20 root,"
        " bytes32 snapshotHash)",
        "EpochReopened(uint40 indexed epoch, uint48 attempt)",
        "Withdrawn(address indexed account, address indexed to, uint256 amount)",
    ),
    "VerdictLedger": (
        *_COMMITTEE,
        "VerdictLimitChanged(uint16 limit)",
        "VerdictsApplied(uint64 indexed nonce, uint40 time, uint32 signerMask,"
        " bytes32 evidenceRoot, bytes verdicts)",
    ),
    "VerificationJobs": (
        *_EIP712,
        "JobsOpened((address,address,uint96,uint96,uint96,uint40,uint40,uint40,uint40,uint40)"
        " rules)",
        "JobRequested(uint256 indexed jobId, address indexed requester,"
        " ((uint256,uint256,uint256),uint40,bytes32,bytes32,bytes32) terms)",
        "JobReclaimed(uint256 indexed jobId)",
        "JobCommitted(uint256 indexed jobId, address indexed provider,"
        " (bytes32,bytes32,uint32) claim, uint256 turn)",
        "PanelDrawn(uint256 indexed jobId, uint256 turn, bytes32 seed)",
        "BallotsSealed(uint256 indexed jobId, uint256 places, bytes32[] commitments)",
        "LeafOpened(uint256 indexed jobId, (bytes32,bytes32,bytes32[]) opening,"
        " (uint8,bytes32,bytes32)[] ballots)",
        "RoundEnded(uint256 indexed jobId, uint256 round, uint8 phase, uint256 turn)",
        "JobAppealed(uint256 indexed jobId, address indexed appellant, uint256 turn)",
        "JobClosed(uint256 indexed jobId, address indexed provider, uint8 verdict,"
        " uint256 toProvider, uint256 toRequester, uint256 toAppellant)",
        "SeatTaken(uint24 indexed seat, address indexed owner)",
        "SeatToppedUp(uint24 indexed seat, uint256 amount)",
        "SeatLeft(uint24 indexed seat, uint24 position, uint40 freeAt)",
        "SeatFined(uint24 indexed seat, uint256 amount)",
        "SeatCollected(uint24 indexed seat, address indexed owner, uint256 amount)",
        "Withdrawn(address indexed account, address indexed to, uint256 amount)",
    ),
}  # fmt: skip
_SUBJECTS = ("nonce", "id", "epoch")
_ARGUMENT = re.compile(r"((?:\((?:[^()]|\([^()]*\))*\)|\w+)(?:\[\])?)( indexed)? (\w+)")
"""Type, mark and name; of tuples within tuples, one level."""


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event at its place in the chain; ``log`` is its index among the block's logs.

    ``topics`` are those after the signature's, joined; ``content`` is the ABI-encoded rest. Both
    are kept as the chain has them; ``values`` are the arguments by name: integers, bytes,
    checksummed addresses, and text, in which bytes that are no UTF-8 are replaced.
    """

    contract: str
    name: str
    block: int
    log: int
    transaction: bytes
    topics: bytes
    content: bytes
    values: Mapping[str, Any]

    @property
    def subject(self) -> int | None:
        """The nonce, source id or epoch that it is about, in this order; None for other events."""
        return next((int(self.values[name]) for name in _SUBJECTS if name in self.values), None)


@dataclass(frozen=True, slots=True)
class _Argument:
    type: str
    name: str

    @property
    def wire(self) -> str:
        # A URI may hold any bytes: eth_abi would refuse what is no UTF-8, and with it the chain.
        return "bytes" if self.type == "string" else self.type


@dataclass(frozen=True, slots=True)
class _Shape:
    signature: bytes
    indexed: Sequence[_Argument]
    rest: Sequence[_Argument]


def signature_of(contract: str, name: str) -> bytes:
    """The 32 bytes that begin every log of this event."""
    return _shapes()[contract][name].signature


def name_of(contract: str, signature: bytes) -> str | None:
    """The contract's event that begins with these 32 bytes, if it has one."""
    shapes = _shapes()[contract].items()
    return next((name for name, shape in shapes if shape.signature == signature), None)


def read_values(contract: str, name: str, topics: bytes, content: bytes) -> Mapping[str, Any]:
    """The arguments of one event; raise InputError unless these are their one encoding."""
    shape = _shapes()[contract][name]
    parts = ((shape.indexed, topics), (shape.rest, content))
    values: dict[str, Any] = {}
    for arguments, encoded in parts:
        types = [argument.wire for argument in arguments]
        try:
            found = decode(types, encoded)
        except (DecodingError, OverflowError, ValueError) as error:
            raise InputError(f"An event {name} cannot be read.") from error
        if encode(types, found) != encoded:
            raise InputError(f"An event {name} is not in its one encoding.")
        for argument, value in zip(arguments, found, strict=True):
            values[argument.name] = _plain(argument.type, value)
    return values


def _plain(kind: str, value: Any) -> Any:
    if kind == "string":
        return value.decode(errors="replace")
    if kind == "address":
        return _checksummed(value)
    return tuple(map(_checksummed, value)) if kind == "address[]" else value


@lru_cache(maxsize=4_096)
def _checksummed(address: str) -> str:
    return str(to_checksum_address(address))


@lru_cache(maxsize=1)
def _shapes() -> Mapping[str, Mapping[str, _Shape]]:
    return {contract: dict(map(_shape, signatures)) for contract, signatures in SIGNATURES.items()}


def _shape(signature: str) -> tuple[str, _Shape]:
    name, _, rest = signature.removesuffix(")").partition("(")
    parsed = _ARGUMENT.findall(rest)
    types = ",".join(kind for kind, _, _ in parsed)
    indexed = [_Argument(kind, argument) for kind, mark, argument in parsed if mark]
    plain = [_Argument(kind, argument) for kind, mark, argument in parsed if not mark]
    return name, _Shape(keccak(f"{name}({types})".encode()), indexed, plain)
