"""A claim that an account has a score in an epoch, with its proof, as JSON passes it around."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from chainrep.errors import InputError
from chainrep.protocol.merkle import MAX_PROOF
from chainrep.protocol.reputation_tree import (
    NODE_BYTES,
    ScoreProof,
    TreeDomain,
    address_number,
    proven_score,
)

MAX_BYTES = 16_384
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ScoreClaim:
    """What is claimed of ``account`` (score 0: that it has none), where, and how it is proven."""

    domain: TreeDomain
    account: str
    score: int
    proof: ScoreProof

    def holds(self, root: bytes) -> bool:
        """Whether the proof shows under this root (20 bytes) just what is claimed."""
        return proven_score(self.domain, self.proof, root, self.account) == self.score


def claim_from(domain: TreeDomain, account: str, proof: ScoreProof) -> ScoreClaim:
    """The claim that a tree's proof for an account supports."""
    present = address_number(proof.account) == address_number(account)
    return ScoreClaim(domain, account, proof.score if present else 0, proof)


def claim_fields(claim: ScoreClaim) -> dict[str, Any]:
    """A claim as JSON holds it; bytes are 0x and lower-case digits."""
    domain, proof = claim.domain, claim.proof
    return {
        "chain_id": domain.chain_id,
        "contract": domain.contract,
        "formula_hash": "0x" + domain.formula_hash.hex(),
        "epoch": domain.epoch,
        "account": claim.account,
        "score": claim.score,
        "proof": {
            "account": proof.account,
            "score": proof.score,
            "next": proof.next,
            "siblings": "0x" + proof.siblings.hex(),
        },
    }


def read_claim(content: bytes) -> ScoreClaim:
    """A claim from whoever wrote it, at most 16 KiB; other fields beside it are passed over.

    Raises InputError for what is none.
    """
    try:
        if len(content) > MAX_BYTES:
            raise ValueError("it is too long")
        fields: Any = json.loads(content)
        inner = fields["proof"]
        domain = TreeDomain(
            _whole(fields["chain_id"]),
            _address(fields["contract"]),
            _whole(fields["epoch"]),
            _bytes(fields["formula_hash"], 32),
        )
        proof = ScoreProof(
            _address(inner["account"]),
            _whole(inner["score"]),
            _address(inner["next"]),
            _bytes(inner["siblings"], MAX_PROOF * NODE_BYTES, exact=False),
        )
        return ScoreClaim(domain, _address(fields["account"]), _whole(fields["score"]), proof)
    except (KeyError, TypeError, ValueError, RecursionError, InputError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"This is no proof of a score ({str(reason)[:100]}).",
            "`chainrep reputation prove` writes one, and so does /reputation/EPOCH/ACCOUNT.",
        ) from error


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 2**256:
        raise ValueError("a number is no whole one")
    return number


def _address(text: Any) -> str:
    if type(text) is not str:
        raise TypeError("an address is no text")
    address_number(text)
    return text


def _bytes(text: Any, count: int, exact: bool = True) -> bytes:
    if type(text) is not str or not _HEX.fullmatch(text):
        raise ValueError("bytes are not in hexadecimal")
    content = bytes.fromhex(text[2:])
    if len(content) > count or (exact and len(content) < count):
        raise ValueError(f"{len(content)} bytes are not {count}")
    return content
