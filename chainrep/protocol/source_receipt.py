"""A source's receipt: what a source signs of one search.

It names the query by a salted digest, the version of the corpus that was searched and the
passages that were found, so that a source cannot deny an answer, nor be blamed for one that it
never gave. Whoever has question and salt can recompute every digest; whoever has not learns
nothing of the question.

A second signature is over the same without the time, as a statement that a key makes once
(``chainrep.reputation.accusation``): its slot is the query to this version of the corpus, its
content the passages. A search is a function of both, so that no honest source signs two contents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from eth_account.messages import SignableMessage
from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.flat_struct import domain_separator, flat_message
from chainrep.protocol.keccak import keccak
from chainrep.protocol.typed_data import LedgerDomain, hash_typed, recover_typed, sign_typed
from chainrep.protocol.types import MAX_SOURCE

WORD_BYTES = 32
MAX_K = 50
"""The most passages that one search may ask for."""

_DOMAIN_NAME, _DOMAIN_VERSION = "chainrep SourceReceipt", "1"
_TYPE = keccak(
    b"SourceReceipt(uint32 source,bytes32 query,bytes32 corpus,bytes32 passages,uint64 time)"
)
_SLOT = keccak(b"chainrep search")


@dataclass(frozen=True, slots=True)
class SourceDomain:
    """Where a receipt is good: one chain, its source registry, and the score ledger beside it.

    The receipt is signed for the registry, the statement for the ledger, as accusations are.
    """

    chain_id: int
    registry: str
    ledger: str

    @property
    def statements(self) -> LedgerDomain:
        """What the statement is signed for."""
        return LedgerDomain(self.chain_id, self.ledger)


@dataclass(frozen=True, slots=True)
class SourceReceipt:
    """One search: source id, three digests of 32 bytes, and when, in Unix seconds.

    Raises InputError for a value out of its range.
    """

    source: int
    query: bytes
    corpus: bytes
    passages: bytes
    time: int

    def __post_init__(self) -> None:
        if not 0 < self.source <= MAX_SOURCE:
            raise InputError(f"Source id {self.source} is outside 1..{MAX_SOURCE}.")
        if not all(len(word) == WORD_BYTES for word in (self.query, self.corpus, self.passages)):
            raise InputError("The digests of a source's receipt have 32 bytes each.")
        if not 0 <= self.time < 2**64:
            raise InputError("The time of a source's receipt is outside 0..2^64 - 1.")


def query_digest(salt: bytes, k: int, question: str) -> bytes:
    """keccak256(salt ‖ k ‖ question): 32 random bytes of the asker, uint16 big-endian, UTF-8.

    Raises InputError for a salt of another size, a k outside 1..50, or text that is not Unicode.
    """
    if len(salt) != WORD_BYTES:
        raise InputError("The salt of a query has 32 bytes.")
    if not 0 < k <= MAX_K:
        raise InputError(f"A search asks for 1 to {MAX_K} passages.")
    return keccak(salt + k.to_bytes(2) + _utf8(question))


def passages_digest(passages: Iterable[tuple[str, str]]) -> bytes:
    """Of passages, each (title, text), in their order: keccak256 over the digests of all.

    The digest of one is keccak256(uint32 length of the title in bytes ‖ title ‖ text), in UTF-8.
    Raises InputError for text that is not Unicode.
    """
    return keccak(b"".join(passage_digest(title, text) for title, text in passages))


def passage_digest(title: str, text: str) -> bytes:
    """The 32 bytes that stand for one passage."""
    head = _utf8(title)
    return keccak(len(head).to_bytes(4) + head + _utf8(text))


def corpus_digest(method: str, passages: bytes) -> bytes:
    """The version of a corpus: keccak256(keccak256(method) ‖ passages).

    ``passages`` is the digest of all of them in their order; ``method`` says in words of the
    source's own how they are searched, since another way finds other passages.
    """
    return keccak(keccak(_utf8(method)) + passages)


def sign_source_receipt(receipt: SourceReceipt, domain: SourceDomain, private_key: bytes) -> bytes:
    """The 65-byte signature (r, s, v) of the key that owns the source in the registry."""
    return sign_typed(_typed(receipt, domain), private_key)


def source_receipt_digest(receipt: SourceReceipt, domain: SourceDomain) -> bytes:
    """The 32 bytes that are signed."""
    return hash_typed(_typed(receipt, domain))


def recover_source(receipt: SourceReceipt, domain: SourceDomain, signature: bytes) -> str:
    """The checksummed address that signed; raise SignatureError as of `require_canonical`."""
    return recover_typed(_typed(receipt, domain), signature)


def search_slot(receipt: SourceReceipt, domain: SourceDomain) -> bytes:
    """What a source says one content for: this query to this version of its corpus.

    keccak256(abi.encode(keccak256("chainrep search"), chain id, registry, source, query, corpus));
    raises InputError where the registry's address has no valid checksum.
    """
    words = (
        _SLOT,
        domain.chain_id.to_bytes(WORD_BYTES),
        _address_word(domain.registry),
        receipt.source.to_bytes(WORD_BYTES),
        receipt.query,
        receipt.corpus,
    )
    return keccak(b"".join(words))


@lru_cache(maxsize=64)
def _address_word(address: str) -> bytes:
    if not is_checksum_address(address):
        raise InputError("The registry's address has no valid checksum.")
    return bytes.fromhex(address[2:]).rjust(WORD_BYTES, b"\0")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError("Half a character stands in the text, which is no Unicode.") from error


def _typed(receipt: SourceReceipt, domain: SourceDomain) -> SignableMessage:
    words = (
        receipt.source.to_bytes(WORD_BYTES),
        receipt.query,
        receipt.corpus,
        receipt.passages,
        receipt.time.to_bytes(WORD_BYTES),
    )
    separator = domain_separator(_DOMAIN_NAME, _DOMAIN_VERSION, domain.chain_id, domain.registry)
    return flat_message(separator, _TYPE, words)
