"""An inference receipt: what a provider signs of one run of a model.

The header says what ran on what, the leaves hold a code of every 32 tokens (or text, or step), and
the root over them is signed. The answer itself is not in it: who has the answer and the salt can
recompute every digest, and who has neither learns nothing of it, because all of them are salted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from eth_account.messages import SignableMessage, encode_typed_data

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_tree import MAX_LEAVES, WORD_BYTES, leaf_hash, prove_leaf, tree_root
from chainrep.protocol.typed_data import hash_typed, recover_typed, sign_typed

CODE_BYTES = (16, 32)
NO_JOB = bytes(WORD_BYTES)
HEADER_WORDS = (
    "model_spec", "decode_spec", "job", "prompt_digest", "seed_commit", "output_digest",
    "calibration_id", "sign_word",
)  # fmt: skip
TOKENS_PER_LEAF = 32

_DOMAIN = {"name": "chainrep InferenceReceipt", "version": "1"}
_TYPES = {
    "InferenceReceipt": [
        {"name": "header", "type": "bytes32"},
        {"name": "leafCount", "type": "uint32"},
        {"name": "root", "type": "bytes32"},
    ]
}
_HEADER_TYPE = keccak(
    b"ReceiptHeader(uint8 kind,uint8 codeBytes,uint32 items,bytes32 modelSpec,bytes32 decodeSpec,"
    b"bytes32 job,bytes32 promptDigest,bytes32 seedCommit,bytes32 outputDigest,"
    b"bytes32 calibrationId,bytes32 signWord)"
)


class ReceiptKind(IntEnum):
    """What a leaf stands for: 32 generated tokens, one embedded text, or one denoising step."""

    TOKENS = 0
    EMBEDDINGS = 1
    STEPS = 2


@dataclass(frozen=True, slots=True)
class ReceiptHeader:
    """What ran on what, and how many items came out; all words are 32 bytes.

    ``model_spec`` and ``decode_spec`` are hashes of canonical specifications, ``job`` names a job
    on a chain (or is zero), ``calibration_id`` the calibration whose width the codes were made
    with, ``sign_word`` the signs of the same projections over the whole answer: a forgery that is
    off by whole periods of the codes is not off by whole periods of nothing. ``code_bytes`` is 16
    or 32. Raises InputError for anything else.
    """

    kind: ReceiptKind
    code_bytes: int
    items: int
    model_spec: bytes
    decode_spec: bytes
    job: bytes
    prompt_digest: bytes
    seed_commit: bytes
    output_digest: bytes
    calibration_id: bytes
    sign_word: bytes

    def __post_init__(self) -> None:
        words = [getattr(self, name) for name in HEADER_WORDS]
        if not all(isinstance(word, bytes) and len(word) == WORD_BYTES for word in words):
            raise InputError("The words of a receipt's header have 32 bytes each.")
        if self.code_bytes not in CODE_BYTES or type(self.items) is not int:
            raise InputError("A receipt's codes have 16 or 32 bytes.")
        if not 0 < self.items <= MAX_LEAVES * self.items_per_leaf:
            raise InputError(f"A receipt of {self.items} items is empty or too long.")

    @property
    def items_per_leaf(self) -> int:
        """How many tokens, texts or steps share a leaf."""
        return TOKENS_PER_LEAF if self.kind is ReceiptKind.TOKENS else 1

    @property
    def leaf_count(self) -> int:
        """How many leaves there are; the last one may hold fewer items."""
        return -(-self.items // self.items_per_leaf)

    @property
    def digest(self) -> bytes:
        """The EIP-712 struct hash of the header, which every leaf names."""
        numbers = (int(self.kind), self.code_bytes, self.items)
        words = [number.to_bytes(WORD_BYTES) for number in numbers]
        return keccak(
            b"".join([_HEADER_TYPE, *words, *(getattr(self, name) for name in HEADER_WORDS)])
        )


@dataclass(frozen=True, slots=True)
class InferenceReceipt:
    """A header, one code per leaf, and the provider's signature of both under ``root``.

    Raises InputError where the codes are not as many, or as long, as the header says.
    """

    header: ReceiptHeader
    root: bytes
    codes: tuple[bytes, ...]
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.codes) != self.header.leaf_count or len(self.root) != WORD_BYTES:
            raise InputError(
                f"The receipt has {len(self.codes)} codes for {self.header.leaf_count} leaves."
            )
        if any(len(code) != self.header.code_bytes for code in self.codes):
            raise InputError(f"A code of this receipt has {self.header.code_bytes} bytes.")


@dataclass(frozen=True, slots=True)
class LeafOpening:
    """One leaf shown to somebody who knows the root: nothing else of the receipt is."""

    place: int
    content: bytes
    code: bytes
    siblings: tuple[bytes, ...]


def make_receipt(
    header: ReceiptHeader, contents: Sequence[bytes], codes: Sequence[bytes], private_key: bytes
) -> InferenceReceipt:
    """Sign a run: ``contents`` are the leaves' salted digests, ``codes`` their codes, in order."""
    root = tree_root(_leaves(header, contents, codes))
    signature = sign_typed(_typed(header, root), private_key)
    return InferenceReceipt(header, root, tuple(codes), signature)


def receipt_digest(receipt: InferenceReceipt) -> bytes:
    """The 32 bytes that are signed, which name the receipt wherever it is spoken of."""
    return hash_typed(_typed(receipt.header, receipt.root))


def recover_provider(receipt: InferenceReceipt) -> str:
    """The checksummed address that signed; raise SignatureError as of `require_canonical`."""
    return recover_typed(_typed(receipt.header, receipt.root), receipt.signature)


def binds(receipt: InferenceReceipt, contents: Sequence[bytes]) -> bool:
    """Whether the receipt's root is that of its codes and of just these contents."""
    if len(contents) != receipt.header.leaf_count:
        return False
    return tree_root(_leaves(receipt.header, contents, receipt.codes)) == receipt.root


def open_leaf(receipt: InferenceReceipt, contents: Sequence[bytes], place: int) -> LeafOpening:
    """The leaf at a place with its proof; raise InputError where the receipt has none there."""
    leaves = _leaves(receipt.header, contents, receipt.codes)
    siblings = prove_leaf(leaves, place)
    return LeafOpening(place, contents[place], receipt.codes[place], siblings)


def _leaves(
    header: ReceiptHeader, contents: Sequence[bytes], codes: Sequence[bytes]
) -> list[bytes]:
    if not len(contents) == len(codes) == header.leaf_count:
        raise InputError(f"A receipt of {header.leaf_count} leaves has a content and a code each.")
    digest = header.digest
    pairs = enumerate(zip(contents, codes, strict=True))
    return [leaf_hash(digest, i, content, code) for i, (content, code) in pairs]


def _typed(header: ReceiptHeader, root: bytes) -> SignableMessage:
    message = {"header": header.digest, "leafCount": header.leaf_count, "root": root}
    return encode_typed_data(_DOMAIN, _TYPES, message)
