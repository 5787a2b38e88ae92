"""The words behind a receipt: what was asked and answered, as token ids, and their salted digests.

Digests on a chain or in a receipt must not let a stranger try out likely texts: all are made with
a salt of 32 random bytes that the user draws, and shows to the provider and the verifiers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrep.errors import InputError
from chainrep.protocol.inference_receipt import TOKENS_PER_LEAF
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_tree import MAX_LEAVES

SALT_BYTES = 32
MAX_TOKENS = MAX_LEAVES * TOKENS_PER_LEAF
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Transcript:
    """``prompt`` and ``output`` are token ids below 2^32, neither empty; ``salt`` has 32 bytes.

    Raises InputError for anything else, or for more than 2^20 ids.
    """

    salt: bytes
    prompt: tuple[int, ...]
    output: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_salt(self.salt)
        for name, ids in (("prompt", self.prompt), ("output", self.output)):
            if not 0 < len(ids) <= MAX_TOKENS:
                raise InputError(f"The {name} has {len(ids)} tokens, not 1 to {MAX_TOKENS}.")
            if not all(type(token) is int and 0 <= token < 2**32 for token in ids):
                raise InputError(f"The {name} holds something that is no token id.")

    @property
    def prompt_digest(self) -> bytes:
        """keccak256(salt || ids), four bytes an id, the high one first."""
        return keccak(self.salt + _packed(self.prompt))

    @property
    def output_digest(self) -> bytes:
        """The same of the output."""
        return keccak(self.salt + _packed(self.output))

    @property
    def contents(self) -> list[bytes]:
        """keccak256(salt || place || ids) of every 32 tokens of the output, place in four bytes."""
        return [
            keccak(
                self.salt
                + place.to_bytes(_ID_BYTES)
                + _packed(self.output[start : start + TOKENS_PER_LEAF])
            )
            for place, start in enumerate(range(0, len(self.output), TOKENS_PER_LEAF))
        ]


def seed_commit(salt: bytes) -> bytes:
    """keccak256(salt): what a user shows before the run; raise InputError for another size."""
    _check_salt(salt)
    return keccak(salt)


def sampling_seed(salt: bytes, job: bytes) -> bytes:
    """keccak256(salt || job): the 32 bytes that choose among tokens, in one job only."""
    _check_salt(salt)
    return keccak(salt + job)


def text_contents(salt: bytes, texts: Sequence[str]) -> list[bytes]:
    """keccak256(salt || place || UTF-8) of every text: the contents of a receipt of embeddings."""
    _check_salt(salt)
    return [
        keccak(salt + place.to_bytes(_ID_BYTES) + text.encode()) for place, text in enumerate(texts)
    ]


def texts_digest(salt: bytes, texts: Sequence[str]) -> bytes:
    """keccak256 of all text contents in order: prompt digest of a receipt of embeddings."""
    return keccak(b"".join(text_contents(salt, texts)))


def _check_salt(salt: bytes) -> None:
    if not isinstance(salt, bytes) or len(salt) != SALT_BYTES:
        raise InputError("A salt has 32 bytes.")


def _packed(ids: Sequence[int]) -> bytes:
    return b"".join(token.to_bytes(_ID_BYTES) for token in ids)
