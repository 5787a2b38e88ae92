"""From a run of a model to its receipt, and what of a receipt can be checked without the model.

The bridge to ``chainrep.protocol``: everything else in this folder is plain numpy and torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import SignatureError
from chainrep.protocol.inference_receipt import (
    NO_JOB,
    InferenceReceipt,
    ReceiptHeader,
    ReceiptKind,
    binds,
    make_receipt,
    recover_provider,
)
from chainrep.protocol.keccak import keccak
from chainrep.protocol.transcript import (
    Transcript,
    sampling_seed,
    seed_commit,
    text_contents,
    texts_digest,
)
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import Generation
from rag.lsh.sketch import Sketcher, sign_word_of
from rag.lsh.windows import window_vectors

__all__ = [
    "NO_JOB",
    "Promise",
    "embedding_receipt",
    "generation_receipt",
    "header_flaws",
    "length_flaw",
    "promise_of",
    "receipt_flaws",
    "sampling_seed",
    "vectors_digest",
]


class Canonical(Protocol):
    """Something that has one form in bytes, whose Keccak-256 names it."""

    def canonical(self) -> bytes:
        """Return these bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Promise:
    """What is fixed before a run: which model, how tokens are chosen, whose cells codes have.

    Three digests of 32 bytes each.
    """

    model_spec: bytes
    decode_spec: bytes
    calibration_id: bytes

    @property
    def digest(self) -> bytes:
        """keccak256(model_spec ‖ decode_spec ‖ calibration_id): ``spec`` in a job's terms."""
        return keccak(self.model_spec + self.decode_spec + self.calibration_id)


def promise_of(model: Canonical, decode: Canonical, calibration: Canonical) -> Promise:
    """Return the Keccak-256 of each one's canonical bytes."""
    return Promise(*(keccak(part.canonical()) for part in (model, decode, calibration)))


def generation_receipt(
    generation: Generation,
    sketcher: Sketcher,
    promise: Promise,
    salt: bytes,
    private_key: bytes,
    job: bytes = NO_JOB,
) -> tuple[InferenceReceipt, Transcript]:
    """Sign one answer, generated under the seed ``sampling_seed(salt, job)``.

    The sketcher is over 32 tokens' states of this model. Raises InputError for a salt or job of
    another size than 32 bytes, SketchError where the states do not fit.
    """
    transcript = Transcript(salt, generation.prompt, generation.tokens)
    projected = sketcher.project(window_vectors(generation.states))
    codes = [row.tobytes() for row in sketcher.quantize(projected)]
    header = ReceiptHeader(
        ReceiptKind.TOKENS,
        sketcher.planes.bits // 8,
        len(generation.tokens),
        promise.model_spec,
        promise.decode_spec,
        job,
        transcript.prompt_digest,
        seed_commit(salt),
        transcript.output_digest,
        promise.calibration_id,
        sign_word_of(projected).ljust(32, b"\0"),
    )
    return make_receipt(header, transcript.contents, codes, private_key), transcript


def embedding_receipt(
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    sketcher: Sketcher,
    promise: Promise,
    salt: bytes,
    private_key: bytes,
    job: bytes = NO_JOB,
) -> InferenceReceipt:
    """Sign the vectors (n, d) of n texts, each of length 1: a code of 16 or 32 bytes for each.

    Raises InputError and SketchError as of ``generation_receipt``.
    """
    projected = sketcher.project(vectors)
    codes = [row.tobytes() for row in sketcher.quantize(projected)]
    header = ReceiptHeader(
        ReceiptKind.EMBEDDINGS,
        sketcher.planes.bits // 8,
        len(texts),
        promise.model_spec,
        promise.decode_spec,
        job,
        texts_digest(salt, texts),
        seed_commit(salt),
        vectors_digest(salt, vectors),
        promise.calibration_id,
        sign_word_of(projected).ljust(32, b"\0"),
    )
    return make_receipt(header, text_contents(salt, texts), codes, private_key)


def vectors_digest(salt: bytes, vectors: NDArray[np.float32]) -> bytes:
    """keccak256(salt ‖ the vectors, row by row, as big-endian float32)."""
    return keccak(salt + np.ascontiguousarray(vectors, dtype=">f4").tobytes())


def receipt_flaws(
    receipt: InferenceReceipt,
    transcript: Transcript,
    promise: Promise,
    job: bytes = NO_JOB,
    provider: str | None = None,
) -> list[str]:
    """Say what is wrong with a receipt of tokens, in sentences; nothing where it is sound.

    ``provider`` is the checksummed address that should have signed; None takes any.
    """
    flaws = header_flaws(receipt.header, transcript, promise, job)
    try:
        signer = recover_provider(receipt)
        if provider is not None and signer != provider:
            flaws.append(f"It was signed by {signer}, not by {provider}.")
    except SignatureError as error:
        flaws.append(error.summary)
    if receipt.header.kind is ReceiptKind.TOKENS and not binds(receipt, transcript.contents):
        flaws.append("Its root is not that of its codes and of these tokens.")
    return flaws


def header_flaws(
    header: ReceiptHeader, transcript: Transcript, promise: Promise, job: bytes = NO_JOB
) -> list[str]:
    """Say which words of a header are not what transcript, promise and job make them."""
    if header.kind is not ReceiptKind.TOKENS:
        return [f"It is a receipt of {header.kind.name.lower()}, not of tokens."]
    expected = {
        "the model": (header.model_spec, promise.model_spec),
        "the way tokens are chosen": (header.decode_spec, promise.decode_spec),
        "the calibration": (header.calibration_id, promise.calibration_id),
        "the job": (header.job, job),
        "the prompt": (header.prompt_digest, transcript.prompt_digest),
        "the salt": (header.seed_commit, seed_commit(transcript.salt)),
        "the answer": (header.output_digest, transcript.output_digest),
        "the number of tokens": (header.items, len(transcript.output)),
    }
    return [
        f"It names another one than {what} it should."
        if what != "the number of tokens"
        else f"It speaks of {found} tokens, the answer has {wanted}."
        for what, (found, wanted) in expected.items()
        if found != wanted
    ]


def length_flaw(output: Sequence[int], decode: DecodeSpec) -> list[str]:
    """Say whether an answer was cut off, or went on after its end.

    Each token can be the sampler's choice and the answer still not be: generating ends with the
    first end token, or with ``max_tokens``, and not before.
    """
    ends = [i for i, token in enumerate(output) if token in decode.end_tokens]
    if len(output) > decode.max_tokens or (ends and ends[0] != len(output) - 1):
        return ["The answer goes on after its end."]
    if not ends and len(output) < decode.max_tokens:
        return [f"The answer stops after {len(output)} tokens without an end token."]
    return []
