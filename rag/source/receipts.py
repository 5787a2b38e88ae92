"""Receipts of searches: signed by the source, checked by whoever asked, kept as bytes.

The bridge to ``chainrep.protocol.source_receipt`` and to accusations: two receipts whose
statements differ in one slot are a ``Conflict`` against the key that signed both.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.source_receipt import (
    SourceDomain,
    SourceReceipt,
    passages_digest,
    query_digest,
    recover_source,
    search_slot,
    sign_source_receipt,
)
from chainrep.protocol.typed_data import SIGNATURE_BYTES
from chainrep.reputation.accusation import Statement, recover_author, sign_statement
from rag.errors import ReceiptError
from rag.types import Passage, Receipt

PACKED_BYTES = 4 + 3 * 32 + 8 + 2 * SIGNATURE_BYTES

__all__ = [
    "PACKED_BYTES",
    "SourceDomain",
    "check_receipt",
    "digest_of",
    "pack_receipt",
    "query_digest",
    "recover_owner",
    "sign_receipt",
    "statement_of",
    "unpack_receipt",
]


def digest_of(passages: Sequence[Passage]) -> bytes:
    """The 32 bytes that stand for passages in their order; InputError for half a character."""
    return passages_digest((passage.title, passage.text) for passage in passages)


def sign_receipt(
    source: int,
    query: bytes,
    corpus: bytes,
    passages: Sequence[Passage],
    time: int,
    domain: SourceDomain,
    private_key: bytes,
) -> Receipt:
    """Sign what a search found, with the key that owns the source; two signatures.

    ``query`` is `query_digest`, ``corpus`` the version of the corpus. Raises InputError for a
    value out of its range.
    """
    said = SourceReceipt(source, query, corpus, digest_of(passages), time)
    statement = Statement(search_slot(said, domain), said.passages)
    return Receipt(
        said.source,
        said.query,
        said.corpus,
        said.passages,
        said.time,
        sign_source_receipt(said, domain, private_key),
        sign_statement(statement, domain.statements, private_key),
    )


def check_receipt(
    receipt: Receipt,
    *,
    source: int,
    owner: str,
    query: bytes,
    passages: Sequence[Passage],
    domain: SourceDomain,
) -> None:
    """Raise ReceiptError, with the reason, unless it is this source's for just this answer.

    ``owner`` is the checksummed address that owns the source in the registry, ``query`` the
    digest of what was asked, ``passages`` what came, exactly as it came.
    """
    if receipt.source != source:
        raise ReceiptError(f"The receipt is of source {receipt.source}, not of {source}.")
    if receipt.query != query:
        raise ReceiptError("The receipt is of another query.")
    try:
        found = digest_of(passages)
    except InputError as error:
        raise ReceiptError("The passages are no Unicode text.") from error
    if receipt.passages != found:
        raise ReceiptError("The receipt is of other passages.")
    for signer in (_signer(receipt, domain), _author(receipt, domain)):
        if signer != owner:
            raise ReceiptError(f"The receipt was signed by {signer}, not by the owner {owner}.")


def recover_owner(receipt: Receipt, domain: SourceDomain) -> str:
    """The checksummed address that made both signatures.

    Raises ReceiptError where a signature can belong to no key, or the two to different ones.
    """
    signer, author = _signer(receipt, domain), _author(receipt, domain)
    if signer != author:
        raise ReceiptError(f"The receipt was signed by {signer}, its statement by {author}.")
    return signer


def statement_of(receipt: Receipt, domain: SourceDomain) -> Statement:
    """What ``receipt.statement`` signs: passages, for one query to one version of a corpus."""
    return Statement(search_slot(_said(receipt), domain), receipt.passages)


def pack_receipt(receipt: Receipt) -> bytes:
    """A receipt as 238 bytes, as a feedback record carries it; InputError as of SourceReceipt."""
    said = _said(receipt)
    if not len(receipt.signature) == len(receipt.statement) == SIGNATURE_BYTES:
        raise InputError(f"The signatures of a receipt have {SIGNATURE_BYTES} bytes each.")
    words = said.query + said.corpus + said.passages
    signed = said.source.to_bytes(4) + words + said.time.to_bytes(8)
    return signed + receipt.signature + receipt.statement


def unpack_receipt(content: bytes) -> Receipt:
    """Read a packed receipt; raise InputError for anything that `pack_receipt` does not write."""
    if len(content) != PACKED_BYTES:
        raise InputError(f"A packed receipt has {PACKED_BYTES} bytes, not {len(content)}.")
    receipt = Receipt(
        int.from_bytes(content[:4]),
        content[4:36],
        content[36:68],
        content[68:100],
        int.from_bytes(content[100:108]),
        content[108:173],
        content[173:],
    )
    _said(receipt)
    return receipt


def _said(receipt: Receipt) -> SourceReceipt:
    return SourceReceipt(
        receipt.source, receipt.query, receipt.corpus, receipt.passages, receipt.time
    )


def _signer(receipt: Receipt, domain: SourceDomain) -> str:
    try:
        return recover_source(_said(receipt), domain, receipt.signature)
    except (InputError, SignatureError) as error:
        raise ReceiptError(f"The receipt is not signed. {error.summary}") from error


def _author(receipt: Receipt, domain: SourceDomain) -> str:
    try:
        return recover_author(statement_of(receipt, domain), domain.statements, receipt.statement)
    except (InputError, SignatureError) as error:
        raise ReceiptError(f"The receipt's statement is not signed. {error.summary}") from error
