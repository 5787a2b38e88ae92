"""What a provider shows to the verifiers that were drawn: all but its codes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from chainrep.protocol.inference_receipt import HEADER_WORDS, ReceiptHeader, ReceiptKind
from chainrep.protocol.transcript import MAX_TOKENS, Transcript
from rag.jobs.specs import read_decode, read_model, read_setting, write_decode
from rag.jobs.wire import (
    MAX_BYTES,
    MAX_PROMPT_IDS,
    bytes_in,
    dump_object,
    hex_text,
    ids_in,
    load_object,
    object_in,
    text_in,
    whole_in,
)
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A receipt's header, the words behind it, and what ran where.

    The codes are left out: a verifier that saw them could seal them without running anything.
    """

    model: ModelSpec
    decode: DecodeSpec
    setting: str
    header: ReceiptHeader
    transcript: Transcript = field(repr=False)


def dump_disclosure(shown: Disclosure) -> bytes:
    """The JSON form."""
    header = shown.header
    words = {name: hex_text(getattr(header, name)) for name in HEADER_WORDS}
    numbers = {"code_bytes": header.code_bytes, "items": header.items}
    return dump_object(
        {
            "model": asdict(shown.model),
            "decode": write_decode(shown.decode),
            "setting": shown.setting,
            "header": words | numbers,
            "salt": shown.transcript.salt,
            "prompt": shown.transcript.prompt,
            "output": shown.transcript.output,
        }
    )


def load_disclosure(content: bytes) -> Disclosure:
    """Read it; raise InputError for anything else."""
    found = load_object(content, MAX_BYTES)
    head = object_in(found, "header")
    header = ReceiptHeader(
        ReceiptKind.TOKENS,
        whole_in(head, "code_bytes", 16, 32),
        whole_in(head, "items", 1, MAX_TOKENS),
        *(bytes_in(head, name, 32) for name in HEADER_WORDS),
    )
    transcript = Transcript(
        bytes_in(found, "salt", 32),
        ids_in(found, "prompt", MAX_PROMPT_IDS),
        ids_in(found, "output", MAX_TOKENS),
    )
    return Disclosure(
        read_model(object_in(found, "model")),
        read_decode(object_in(found, "decode")),
        read_setting(text_in(found, "setting")),
        header,
        transcript,
    )
