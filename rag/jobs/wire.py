"""JSON between strangers: one flat object, bounded, every value of the form agreed on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chainrep.errors import InputError

MAX_BYTES = 8 * 2**20
"""More than the longest prompt and answer of a job take together."""
MAX_PROMPT_IDS = 2**18
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


def dump_object(fields: Mapping[str, Any]) -> bytes:
    """JSON in one line; bytes become 0x and lower-case digits."""
    plain = {name: hex_text(v) if isinstance(v, bytes) else v for name, v in fields.items()}
    return json.dumps(plain, separators=(",", ":")).encode()


def load_object(content: bytes, limit: int = MAX_BYTES) -> dict[str, Any]:
    """Read one object whose values are numbers, texts, lists or objects of these; InputError."""
    try:
        if len(content) > limit:
            raise ValueError("it is too long")
        if content.count(b"[") + content.count(b"{") > 32:
            raise ValueError("it is nested")  # json would follow nesting until its stack ends
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"What was sent is no JSON of this protocol ({str(error)[:80]})."
        ) from error
    if type(found) is not dict:
        raise InputError("What was sent is no JSON object.")
    return found


def hex_text(content: bytes) -> str:
    """Bytes as text."""
    return "0x" + content.hex()


def bytes_in(fields: Mapping[str, Any], name: str, size: int) -> bytes:
    """The bytes under a name; raise InputError where they are not there, or not so many."""
    text = fields.get(name)
    if type(text) is not str or len(text) != 2 + 2 * size or not _HEX.fullmatch(text):
        raise InputError(f"{name} is not {size} bytes in hexadecimal.")
    return bytes.fromhex(text[2:])


def whole_in(fields: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """The whole number under a name; raise InputError where it is none within the limits."""
    value = fields.get(name)
    if type(value) is not int or not low <= value <= high:
        raise InputError(f"{name} is no whole number from {low:,} to {high:,}.")
    return value


def text_in(fields: Mapping[str, Any], name: str, limit: int = 200) -> str:
    """The printable text under a name; InputError."""
    value = fields.get(name)
    if type(value) is not str or not 0 < len(value) <= limit or not value.isprintable():
        raise InputError(f"{name} is no text of at most {limit} characters.")
    return value


def ids_in(fields: Mapping[str, Any], name: str, limit: int) -> tuple[int, ...]:
    """The token ids under a name, 1 to ``limit``; InputError."""
    value = fields.get(name)
    if type(value) is not list or not 0 < len(value) <= limit:
        raise InputError(f"{name} is no list of 1 to {limit:,} token ids.")
    if not all(type(token) is int and 0 <= token < 2**32 for token in value):
        raise InputError(f"{name} holds something that is no token id.")
    return tuple(value)


def object_in(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under a name; InputError."""
    value = fields.get(name)
    if type(value) is not dict:
        raise InputError(f"{name} is no object.")
    return value
