"""The signatures of a report taken apart: who signed, as the contracts read it.

The counterpart of `join_signatures`, and the same checks that `ReporterCommittee` makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainrep.errors import SignatureError
from chainrep.protocol.typed_data import SIGNATURE_BYTES, LedgerDomain, recover_signer
from chainrep.protocol.types import SignedReport


@dataclass(frozen=True, slots=True)
class MemberSignature:
    """What stands for one member: a key's 65 bytes, or whatever a contract (ERC-1271) accepts."""

    member: str
    signature: bytes
    of_contract: bool


def split_signatures(signed: SignedReport, members: Sequence[str]) -> Sequence[MemberSignature]:
    """The signatures by member, in ascending order of the members.

    Raises SignatureError where the mask names a member that does not exist, a signature is cut
    short, or bytes are left over.
    """
    if signed.signer_mask >> len(members):
        raise SignatureError(
            f"The mask 0x{signed.signer_mask:x} names a member beyond the committee's"
            f" {len(members)}."
        )
    found = list(_split(signed, members))
    taken = sum(len(part.signature) + SIGNATURE_BYTES * part.of_contract for part in found)
    if taken != len(signed.signatures):
        raise SignatureError(f"{len(signed.signatures) - taken} bytes follow the last signature.")
    return found


def require_signer(part: MemberSignature, signed: SignedReport, domain: LedgerDomain) -> None:
    """Raise SignatureError unless the member's own key signed this very report."""
    try:
        signer = recover_signer(signed.report, domain, part.signature)
    except SignatureError as error:
        raise SignatureError(
            f"The signature that stands for {part.member} cannot belong to any key."
        ) from error
    if signer != part.member:
        raise SignatureError(
            f"The signature that stands for {part.member} is {signer}'s, or of another report."
        )


def _split(signed: SignedReport, members: Sequence[str]) -> Iterator[MemberSignature]:
    joined, cursor = signed.signatures, 0
    for i, member in enumerate(members):
        if not signed.signer_mask >> i & 1:
            continue
        head = joined[cursor : cursor + SIGNATURE_BYTES]
        cursor += SIGNATURE_BYTES
        if len(head) == SIGNATURE_BYTES and head[-1]:
            yield MemberSignature(member, head, of_contract=False)
            continue
        length = int.from_bytes(head[:32])
        own = joined[cursor : cursor + length]
        cursor += length
        if len(head) < SIGNATURE_BYTES or any(head[32:]) or len(own) < length:
            raise SignatureError(f"The signature of {member} is cut short or has no valid form.")
        yield MemberSignature(member, own, of_contract=True)
