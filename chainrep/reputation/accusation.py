"""Accusations that prove themselves: statements of one key that no honest key makes together.

A key signs a `Statement` to bind itself: under one slot it says one content and never another. A
slot is the 32-byte digest of what may be said once (a provider's answer to one job, a publisher's
root of one epoch), a content the digest of what was said; who uses statements says how both are
made. Two proofs are known:

* `Conflict`: two statements with the same slot and other contents.
* `FalseSums`: a report to the score ledger whose updates are not the sums of the very evidence that
  it names. A member computes them before it signs, so that only a faulty one signs these.

Two reports under one nonce prove nothing: a member signs a second one when the first can no longer
be applied. Nor does a deadline that passed, or silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_utils.address import is_checksum_address

from chainrep.errors import ChainrepError, InputError, SignatureError
from chainrep.protocol.compact_batch import pack_compact
from chainrep.protocol.evidence import evidence_tree, sum_updates
from chainrep.protocol.evidence_file import MAX_FILE_BYTES, parse_evidence
from chainrep.protocol.flat_struct import domain_separator, flat_message
from chainrep.protocol.keccak import keccak
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import LedgerDomain, recover_signer, recover_typed, sign_typed
from chainrep.protocol.types import Report

MAX_REPORT_BYTES = 256 * 1024
"""Updates of a report in an accusation: more than any batch that fits into a block."""

_DOMAIN_NAME, _DOMAIN_VERSION = "chainrep statement", "1"
_COMPLAINT = b"chainrep complaint 1\n"
_TYPE = keccak(b"Statement(bytes32 slot,bytes32 content)")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a key says once per slot: two digests of 32 bytes."""

    slot: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two contents that one key signed for one slot; ``first`` < ``second`` as bytes."""

    slot: bytes
    first: bytes
    second: bytes
    first_signature: bytes
    second_signature: bytes


@dataclass(frozen=True, slots=True)
class FalseSums:
    """A signed report, and the evidence file (`dump_evidence`) whose root it names."""

    report: Report
    signature: bytes
    evidence: bytes


Proof = Conflict | FalseSums


@dataclass(frozen=True, slots=True)
class Complaint:
    """``accuser`` signed that ``accused`` is faulty, and has nothing to show for it."""

    accuser: str
    accused: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Accusation:
    """``accuser`` says that ``accused`` is faulty, both checksummed addresses."""

    accuser: str
    accused: str
    proof: Proof


def sign_statement(statement: Statement, domain: LedgerDomain, private_key: bytes) -> bytes:
    """A key's 65-byte signature (r, s, v) of a statement, in EIP-712."""
    return sign_typed(_typed(statement, domain), private_key)


def recover_author(statement: Statement, domain: LedgerDomain, signature: bytes) -> str:
    """The checksummed address that signed; raise SignatureError where no key can have."""
    return recover_typed(_typed(statement, domain), signature)


def complain(accuser_key: bytes, accused: str, domain: LedgerDomain) -> Complaint:
    """Sign a complaint; raise InputError where the accused is no address."""
    signature = sign_statement(_complaint(accused), domain, accuser_key)
    return Complaint(str(Account.from_key(accuser_key).address), accused, signature)


def check_complaint(complaint: Complaint, domain: LedgerDomain) -> None:
    """Raise InputError or SignatureError unless the accuser itself signed it, of another."""
    if complaint.accuser == complaint.accused:
        raise InputError("An account complains of itself.")
    author = recover_author(_complaint(complaint.accused), domain, complaint.signature)
    if author != complaint.accuser:
        raise SignatureError(f"A complaint in the name of {complaint.accuser} is by {author}.")


def prove_conflict(
    slot: bytes, one: bytes, its_signature: bytes, other: bytes, others_signature: bytes
) -> Conflict:
    """The proof in its one form, whichever statement is named first."""
    if other < one:
        return Conflict(slot, other, one, others_signature, its_signature)
    return Conflict(slot, one, other, its_signature, others_signature)


def check(accusation: Accusation, domain: LedgerDomain) -> None:
    """Raise InputError or SignatureError, with the reason, unless the proof holds by itself.

    ``domain`` is the ledger and chain for which the signatures have to be good.
    """
    proof = accusation.proof
    if isinstance(proof, Conflict):
        _check_conflict(proof, accusation.accused, domain)
    else:
        _check_false_sums(proof, accusation.accused, domain)


def holds(accusation: Accusation, domain: LedgerDomain) -> bool:
    """Whether `check` finds nothing against the accusation."""
    try:
        check(accusation, domain)
    except ChainrepError:
        return False
    return True


def _check_conflict(proof: Conflict, accused: str, domain: LedgerDomain) -> None:
    if not len(proof.slot) == len(proof.first) == len(proof.second) == 32:
        raise InputError("A slot and the contents in it are digests of 32 bytes.")
    if proof.first >= proof.second:
        raise InputError("A conflict is between two contents, the lower one first.")
    for content, signature in (
        (proof.first, proof.first_signature),
        (proof.second, proof.second_signature),
    ):
        author = recover_author(Statement(proof.slot, content), domain, signature)
        _require_author(author, accused)


def _check_false_sums(proof: FalseSums, accused: str, domain: LedgerDomain) -> None:
    if len(proof.report.updates) > MAX_REPORT_BYTES or len(proof.evidence) > MAX_FILE_BYTES:
        raise InputError("The report or the evidence is larger than any that can be.")
    report = proof.report
    if not (
        0 <= report.committee < 2**32
        and 0 <= report.nonce < 2**64
        and 0 <= report.deadline < 2**64
        and len(report.evidence_root) == 32
    ):
        raise InputError("The report has a value out of its range.")
    _require_author(recover_signer(report, domain, proof.signature), accused)
    records = parse_evidence(proof.evidence, unique=False)
    if evidence_tree(records).root != report.evidence_root:
        raise InputError("The evidence does not have the root that the report names.")
    try:
        sums = sum_updates(records)
    except InputError:
        return  # more than one batch can carry: whatever the report says, it is not their sum
    packers: tuple[Callable[..., bytes], ...] = (pack_updates, pack_compact)
    if report.updates in [pack(sums) for pack in packers]:
        raise InputError("The report is right: the evidence adds up to its updates.")


def _complaint(accused: str) -> Statement:
    if not is_checksum_address(accused):
        raise InputError("Who is accused is named by a checksummed address.")
    slot = keccak(_COMPLAINT + bytes.fromhex(accused[2:]))
    return Statement(slot, slot)


def _require_author(author: str, accused: str) -> None:
    if author != accused:
        raise SignatureError(f"What should prove {accused} faulty was signed by {author}.")


def _typed(statement: Statement, domain: LedgerDomain) -> SignableMessage:
    separator = domain_separator(_DOMAIN_NAME, _DOMAIN_VERSION, domain.chain_id, domain.ledger)
    return flat_message(separator, _TYPE, (statement.slot, statement.content))
