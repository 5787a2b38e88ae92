"""The evidence file: a batch's records as JSON, in the one form that this set of records has.

``{"version":1,"records":[…]}`` with one record a line, fields in the order of `EvidenceRecord`,
bytes as 0x and lower-case digits, lines ascending, no other white space. Nothing that follows from
the records stands in the file: its root, and with it its name, is computed from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from chainrep.errors import DuplicateFeedback, InputError
from chainrep.protocol.evidence import MAX_RECORDS, EvidenceRecord
from chainrep.protocol.types import MAX_DELTA, MAX_RECEIPT, MAX_SOURCE, FeedbackKind

VERSION = 1
MAX_FILE_BYTES = 48 * 1024 * 1024
"""No file is larger: 20,000 records with the longest numbers and receipts take 44.8 MiB."""

_HEAD, _TAIL = f'{{"version":{VERSION},"records":[\n', "\n]}\n"
_FIELDS = tuple(EvidenceRecord.__slots__)
_KINDS = {kind.name.lower(): kind for kind in FeedbackKind}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_MAX_TIME = 2**40 - 1
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ROOT = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


def dump_evidence(records: Sequence[EvidenceRecord], *, unique: bool = True) -> bytes:
    """The evidence file of these records, whatever their order.

    Raises InputError for none or more than 20,000 records and for values out of range, and
    DuplicateFeedback where two have the same id, unless ``unique`` is false.
    """
    if not 0 < len(records) <= MAX_RECORDS:
        raise InputError(f"A batch stands on 1 to {MAX_RECORDS} records, not {len(records)}.")
    for record in records:
        _check(record)
    if unique and len({record.id for record in records}) < len(records):
        raise _twice(records)
    return (_HEAD + ",\n".join(sorted(map(_line, records))) + _TAIL).encode()


def parse_evidence(content: bytes, *, unique: bool = True) -> Sequence[EvidenceRecord]:
    """Read an evidence file back, its records in the order of the file.

    Raises InputError for anything that `dump_evidence` does not write, and DuplicateFeedback as it
    does. ``unique`` is false for auditors, who want to see also what should not be.
    """
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"An evidence file has at most {MAX_FILE_BYTES >> 20} MiB.")
    # Before it is decoded: neither depth nor a flood of tiny parts may cost anything.
    count = content.count(b"{") - 1
    if not 0 < count <= MAX_RECORDS:
        raise InputError(f"An evidence file holds 1 to {MAX_RECORDS} records, this one {count}.")
    if content.translate(None, _NO_BRACKETS) != b"{[" + b"{}" * count + b"]}":
        raise InputError("The evidence file is no object with one list of flat records.")
    try:
        file = json.loads(content.decode("ascii"))
    except ValueError as error:
        raise InputError("The evidence file is no JSON in ASCII.") from error
    if not isinstance(file, dict) or file.keys() != {"version", "records"}:
        raise InputError("An evidence file has a version and records, and nothing else.")
    if type(file["version"]) is not int or file["version"] != VERSION:
        raise InputError(
            f"The evidence file is not of version {VERSION}.", "Use a chainrep that knows it."
        )
    if not isinstance(file["records"], list):
        raise InputError("The records of the evidence file are no list.")
    records = [_record(item, i) for i, item in enumerate(file["records"])]
    if dump_evidence(records, unique=unique) != content:
        raise InputError("The evidence file is not in the one form that its records have.")
    return records


def parse_root(text: str) -> bytes:
    """An evidence root as 32 bytes, from 64 hex digits with or without 0x; raise InputError."""
    found = _ROOT.fullmatch(text)
    if found is None:
        raise InputError("An evidence root is written as 64 hexadecimal digits.")
    return bytes.fromhex(found[1])


def _line(record: EvidenceRecord) -> str:
    return (
        f'{{"id":"0x{record.id.hex()}","source":{record.source},"kind":"{_NAMES[record.kind]}",'
        f'"query_digest":"0x{record.query_digest.hex()}","supported":{record.supported},'
        f'"contradicted":{record.contradicted},"used":{record.used},"asked":{record.asked},'
        f'"time":{record.time},"receipt":"0x{record.receipt.hex()}"}}'
    )


def _record(item: Any, place: int) -> EvidenceRecord:
    if not isinstance(item, dict) or item.keys() != set(_FIELDS):
        raise InputError(f"Record {place} must have exactly: {', '.join(_FIELDS)}.")
    try:
        # Upper case, spaces and the like pass here and fail in the comparison with the one form.
        return EvidenceRecord(
            bytes.fromhex(item["id"][2:]),
            item["source"],
            _KINDS[item["kind"]],
            bytes.fromhex(item["query_digest"][2:]),
            item["supported"],
            item["contradicted"],
            item["used"],
            item["asked"],
            item["time"],
            bytes.fromhex(item["receipt"][2:]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"Record {place} has bytes or a kind that cannot be read.") from error


def _check(record: EvidenceRecord) -> None:
    """Whether every value has its type (a bool is no number) and lies in its range."""
    numbers = (record.supported, record.contradicted, record.used, record.asked)
    if not (
        len(record.id) == len(record.query_digest) == 32
        and len(record.receipt) <= MAX_RECEIPT
        and all(type(number) is int and 0 <= number <= MAX_DELTA for number in numbers)
        and type(record.source) is int
        and 0 < record.source <= MAX_SOURCE
        and type(record.time) is int
        and 0 <= record.time <= _MAX_TIME
    ):
        raise InputError(f"Feedback 0x{record.id.hex()[:64]} has a value out of its range.")


def _twice(records: Sequence[EvidenceRecord]) -> DuplicateFeedback:
    seen = set[bytes]()
    for record in records:
        if record.id in seen:
            break
        seen.add(record.id)
    return DuplicateFeedback(f"Feedback 0x{record.id.hex()} is in the evidence twice.")
