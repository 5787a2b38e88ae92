"""Receipts as bytes: a compact form of 32 bytes per leaf, and JSON with or without the transcript.

The compact form is 364 bytes and the codes:
``"CRR1" | kind 1 | code bytes 1 | items 4 | eight header words | root 32 | codes | signature 65``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from chainrep.errors import InputError
from chainrep.protocol.inference_receipt import (
    HEADER_WORDS,
    InferenceReceipt,
    ReceiptHeader,
    ReceiptKind,
)
from chainrep.protocol.receipt_tree import MAX_LEAVES, WORD_BYTES
from chainrep.protocol.transcript import MAX_TOKENS, Transcript
from chainrep.protocol.typed_data import SIGNATURE_BYTES

MAGIC = b"CRR1"
VERSION = 1
MAX_FILE_BYTES = 24 * 2**20
"""More than a receipt of 2^15 leaves with 2 * 2^20 token ids takes in JSON."""

_HEAD_BYTES = len(MAGIC) + 6 + (len(HEADER_WORDS) + 1) * WORD_BYTES
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)
_KINDS = {kind.name.lower(): kind for kind in ReceiptKind}


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt, and what a verifier needs beside it, if the file has it."""

    receipt: InferenceReceipt
    transcript: Transcript | None = None


def pack_receipt(receipt: InferenceReceipt) -> bytes:
    """The compact form."""
    header = receipt.header
    numbers = bytes([header.kind, header.code_bytes]) + header.items.to_bytes(4)
    words = b"".join(getattr(header, name) for name in HEADER_WORDS)
    return b"".join([MAGIC, numbers, words, receipt.root, *receipt.codes, receipt.signature])


def unpack_receipt(content: bytes) -> InferenceReceipt:
    """Read the compact form back; raise InputError for anything that is not just that."""
    if not content.startswith(MAGIC):
        raise InputError("This is no compact receipt of version 1.")
    if not _HEAD_BYTES + SIGNATURE_BYTES < len(content) <= _HEAD_BYTES + 32 * MAX_LEAVES + 65:
        raise InputError("The compact receipt is cut off, or longer than any that can be.")
    start = len(MAGIC) + 6
    words = [content[i : i + WORD_BYTES] for i in range(start, _HEAD_BYTES, WORD_BYTES)]
    kind, size, items = content[4], content[5], int.from_bytes(content[6:10])
    try:
        header = ReceiptHeader(ReceiptKind(kind), size, items, *words[:-1])
    except ValueError as error:
        raise InputError(f"A receipt of kind {kind} is not known.") from error
    body = content[_HEAD_BYTES:-SIGNATURE_BYTES]
    if len(body) != header.leaf_count * size:
        raise InputError(f"The receipt does not have the {header.leaf_count} codes it should.")
    codes = tuple(body[i : i + size] for i in range(0, len(body), size))
    return InferenceReceipt(header, words[-1], codes, content[-SIGNATURE_BYTES:])


def dump_receipt(receipt: InferenceReceipt, transcript: Transcript | None = None) -> bytes:
    """The JSON form, one line; bytes are 0x and lower-case digits."""
    header = receipt.header
    fields: dict[str, Any] = {
        "version": VERSION,
        "kind": header.kind.name.lower(),
        "code_bytes": header.code_bytes,
        "items": header.items,
        **{name: _hex(getattr(header, name)) for name in HEADER_WORDS},
        "root": _hex(receipt.root),
        "codes": _hex(b"".join(receipt.codes)),
        "signature": _hex(receipt.signature),
    }
    if transcript is not None:
        fields["transcript"] = {
            "salt": _hex(transcript.salt),
            "prompt": transcript.prompt,
            "output": transcript.output,
        }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def load_receipt(content: bytes) -> ReceiptFile:
    """Read either form, from whoever wrote it, at most 24 MiB; raise InputError for neither."""
    if content.startswith(MAGIC):
        return ReceiptFile(unpack_receipt(content))
    try:
        if len(content) > MAX_FILE_BYTES:
            raise ValueError("it is too long")
        if content.count(b"[") > 2 or content.count(b"{") > 2:
            raise ValueError("it is nested")  # json would follow nesting until its stack ends
        fields: Any = json.loads(content)
        if type(fields) is not dict or fields["version"] != VERSION:
            raise ValueError(f"it is not of version {VERSION}")
        return ReceiptFile(_receipt(fields), _transcript(fields.get("transcript")))
    except (KeyError, TypeError, ValueError, RecursionError, InputError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"This is no inference receipt ({str(reason)[:100]}).",
            "A provider's `chainrep jobs serve` writes one, and so does rag.lsh.",
        ) from error


def _receipt(fields: dict[str, Any]) -> InferenceReceipt:
    words = [_bytes(fields[name], WORD_BYTES) for name in HEADER_WORDS]
    size = fields["code_bytes"]
    header = ReceiptHeader(_KINDS[fields["kind"]], size, fields["items"], *words)
    joined = _bytes(fields["codes"], size * header.leaf_count)
    codes = tuple(joined[i : i + size] for i in range(0, len(joined), size))
    signature = _bytes(fields["signature"], SIGNATURE_BYTES)
    return InferenceReceipt(header, _bytes(fields["root"], WORD_BYTES), codes, signature)


def _transcript(fields: Any) -> Transcript | None:
    if fields is None:
        return None
    prompt, output = fields["prompt"], fields["output"]
    if type(prompt) is not list or type(output) is not list:
        raise TypeError("the tokens are no lists")
    if max(len(prompt), len(output)) > MAX_TOKENS:
        raise ValueError("there are too many tokens")
    return Transcript(_bytes(fields["salt"], WORD_BYTES), tuple(prompt), tuple(output))


def _hex(content: bytes) -> str:
    return "0x" + content.hex()


def _bytes(text: Any, size: int) -> bytes:
    if type(text) is not str or len(text) != 2 + 2 * size or not _HEX.fullmatch(text):
        raise ValueError(f"something is not {size} bytes in hexadecimal")
    return bytes.fromhex(text[2:])
