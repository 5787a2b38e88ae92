"""What is sent to a source and what it answers, as JSON; whoever reads it trusts none of it.

``POST /search``: a query, answered by passages and a receipt. ``GET /metadata``: who serves what.
``GET /health``: whether it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_utils.address import is_checksum_address

from chainrep.chain.bounded_json import parse_json
from chainrep.errors import InputError
from chainrep.protocol.source_receipt import MAX_K, WORD_BYTES
from chainrep.protocol.typed_data import SIGNATURE_BYTES
from chainrep.protocol.types import MAX_SOURCE
from rag.dataset import MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS
from rag.types import Passage, Receipt

MAX_REQUEST_BYTES = 32 * 1024
"""Above 2,000 characters, each escaped as two halves of six bytes."""
MAX_ANSWER_BYTES = 2**20
"""Above the longest passage that a dataset may hold; a source sends fewer where k do not fit."""
MAX_ANSWER_PARTS = 200
"""Objects and arrays in one answer; 50 passages and a receipt need 53."""
MAX_BARE_BYTES = 32 * 1024
"""Of an answer outside its strings: names' commas, brackets, numbers, space between them."""
MAX_METADATA_BYTES = 16 * 1024
MAX_NAME_CHARS = 200
MAX_WEI = 2**128 - 1

_SIGNED = ("source", "query", "corpus", "passages", "time", "signature", "statement")
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """One search: a question of 1 to 2,000 characters, how many passages, 32 random bytes."""

    question: str
    k: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who serves what: ``passages`` counts them, ``corpus`` is its version, the price in wei."""

    source: int
    name: str
    passages: int
    corpus: bytes
    price_wei: int
    chain_id: int
    registry: str
    max_k: int


@dataclass(frozen=True, slots=True)
class Health:
    """``status`` is "ok", or "old" while a newer corpus cannot be served, with the ``reason``.

    ``age_seconds`` is how long the version ``corpus`` has been served.
    """

    status: str
    corpus: bytes
    passages: int
    age_seconds: float
    reason: str = ""


def dump_query(query: Query) -> bytes:
    """The body of POST /search."""
    return _dump({"query": query.question, "k": query.k, "salt": query.salt})


def load_query(content: bytes) -> Query:
    """Read a query; raise InputError for anything that is none."""
    fields = _load(content, MAX_REQUEST_BYTES)
    question = _text(fields, "query", MAX_QUESTION_CHARS)
    if not question.strip():
        raise InputError("query is empty.")
    return Query(question, _whole(fields, "k", 1, MAX_K), _bytes(fields, "salt", WORD_BYTES))


def dump_answer(passages: Sequence[Passage], receipt: Receipt) -> bytes:
    """What POST /search answers."""
    rows = [{"title": passage.title, "text": passage.text} for passage in passages]
    signed = {name: getattr(receipt, name) for name in _SIGNED}
    return _dump({"passages": rows, "receipt": _plain(signed)})


def load_answer(content: bytes, k: int) -> tuple[tuple[Passage, ...], Receipt]:
    """Read an answer to a search for ``k``; raise InputError for anything that is none.

    Texts are as they were sent, as the receipt covers them: they have to be cleaned before use.
    """
    _check_parts(content)
    fields = _load(content, MAX_ANSWER_BYTES)
    rows = fields.get("passages")
    if type(rows) is not list or len(rows) > k:
        raise InputError(f"passages is no list of at most {k}.")
    passages = tuple(_passage(row) for row in rows)
    signed = _object(fields.get("receipt"), "receipt")
    receipt = Receipt(
        _whole(signed, "source", 1, MAX_SOURCE),
        _bytes(signed, "query", WORD_BYTES),
        _bytes(signed, "corpus", WORD_BYTES),
        _bytes(signed, "passages", WORD_BYTES),
        _whole(signed, "time", 0, 2**64 - 1),
        _bytes(signed, "signature", SIGNATURE_BYTES),
        _bytes(signed, "statement", SIGNATURE_BYTES),
    )
    return passages, receipt


def dump_metadata(metadata: Metadata) -> bytes:
    """What GET /metadata answers; the price in decimal digits, as JSON readers lose big numbers."""
    return _dump(asdict(metadata) | {"price_wei": str(metadata.price_wei)})


def load_metadata(content: bytes) -> Metadata:
    """Read metadata; raise InputError for anything that is none."""
    fields = _load(content, MAX_METADATA_BYTES)
    price = _text(fields, "price_wei", 39)
    if not re.fullmatch(r"0|[1-9][0-9]*", price, re.ASCII) or int(price) > MAX_WEI:
        raise InputError("price_wei is no amount in wei.")
    registry = _text(fields, "registry", 42)
    if not is_checksum_address(registry):
        raise InputError("registry is no checksummed address.")
    return Metadata(
        _whole(fields, "source", 1, MAX_SOURCE),
        _text(fields, "name", MAX_NAME_CHARS),
        _whole(fields, "passages", 0, 2**53),
        _bytes(fields, "corpus", WORD_BYTES),
        int(price),
        _whole(fields, "chain_id", 0, 2**64 - 1),
        registry,
        _whole(fields, "max_k", 1, MAX_K),
    )


def dump_health(health: Health) -> bytes:
    """What GET /health answers."""
    return _dump(asdict(health))


def read_refusal(content: bytes, limit: int = 300) -> str:
    """A stranger's words, made fit for a terminal and a log: one short line, or nothing."""
    try:
        words = _load(content, MAX_METADATA_BYTES).get("refused")
    except InputError:
        return ""
    line = "".join(c if c.isprintable() else " " for c in words) if type(words) is str else ""
    return " ".join(line.split())[:limit]


def _dump(fields: Mapping[str, Any]) -> bytes:
    plain = json.dumps(_plain(fields), ensure_ascii=False, separators=(",", ":"))
    try:
        return plain.encode()
    except UnicodeEncodeError as error:
        raise InputError("Half a character stands in the text, which is no Unicode.") from error


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {n: "0x" + v.hex() if isinstance(v, bytes) else v for n, v in fields.items()}


def _check_parts(content: bytes) -> None:
    """Raise InputError where parsing would make countless tiny objects, before it does."""
    if len(content) > MAX_ANSWER_BYTES:
        return  # is refused for that
    unescaped = content.replace(rb"\\", b"").replace(rb"\"", b"")
    bare = b"".join(unescaped.split(b'"')[::2])
    if bare.count(b"[") + bare.count(b"{") > MAX_ANSWER_PARTS or len(bare) > MAX_BARE_BYTES:
        raise InputError(f"What was sent has more than {MAX_ANSWER_PARTS} parts, or none to read.")


def _load(content: bytes, limit: int) -> dict[str, Any]:
    if len(content) > limit:
        raise InputError(f"What was sent has more than {limit:,} bytes.")
    try:
        found = parse_json(content)
    except ValueError as error:
        raise InputError(f"What was sent is no JSON in UTF-8 ({str(error)[:80]}).") from error
    return _object(found, "What was sent")


def _object(value: object, name: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise InputError(f"{name} is no JSON object.")
    return value


def _passage(row: object) -> Passage:
    fields = _object(row, "A passage")
    title = _text(fields, "title", MAX_QUESTION_CHARS)
    return Passage(_text(fields, "text", MAX_PASSAGE_CHARS), title)


def _text(fields: Mapping[str, Any], name: str, limit: int) -> str:
    value = fields.get(name)
    if type(value) is not str or len(value) > limit:
        raise InputError(f"{name} is no text of at most {limit:,} characters.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InputError(f"{name} holds half a character, which is no Unicode.")
    return value


def _whole(fields: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = fields.get(name)
    if type(value) is not int or not low <= value <= high:
        raise InputError(f"{name} is no whole number from {low:,} to {high:,}.")
    return value


def _bytes(fields: Mapping[str, Any], name: str, size: int) -> bytes:
    text = fields.get(name)
    if type(text) is not str or len(text) != 2 + 2 * size or not _HEX.fullmatch(text):
        raise InputError(f"{name} is not {size} bytes in hexadecimal.")
    return bytes.fromhex(text[2:])
