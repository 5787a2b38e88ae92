"""JSON from strangers that may be long, but neither deep nor made of countless tiny parts.

Python's own guard against deep nesting is the recursion limit, and py-evm raises that so far that
a few hundred kilobytes of ``[`` overrun the C stack and end the program. And 32 MiB of ``[],[],``
become gigabytes of lists.
"""

from __future__ import annotations

import json
from typing import Any

MAX_DEPTH = 64
MAX_PARTS = 1_000_000
"""Objects and arrays in one answer: a log has two, and 100,000 of them are 200,000."""
_SURELY_SHALLOW = 1_000
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(text: bytes) -> Any:
    """The decoded value; raises ValueError for no JSON in UTF-8, too deep, or of too many parts."""
    parts = text.count(b"[") + text.count(b"{")
    if parts > _SURELY_SHALLOW:  # otherwise it cannot be deep either, brackets in strings included
        unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
        outside_strings = b"".join(unescaped.split(b'"')[::2])
        brackets = outside_strings.translate(None, _NO_BRACKETS)
        if brackets.count(b"[") + brackets.count(b"{") > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} objects and arrays")
        depth = 0
        for bracket in brackets:
            depth += 1 if bracket in b"[{" else -1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested more than {MAX_DEPTH} deep")
    return json.loads(text.decode())  # nor in another encoding, in which it would look different
