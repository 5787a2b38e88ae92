"""JSON from a stranger: parsed within bounds, refused with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rag.errors import DatasetError

MAX_DEPTH = 64

_REMEDY = "Correct the file; a JSON checker shows the spot."
# A string that never ends reaches to the end of the text, so that the scan stays linear.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)|[\[{\]}]', re.DOTALL)


def parse_json(text: str, place: str, *, one_line: bool = False) -> Any:
    """Return the value that ``text`` states; raises DatasetError that names ``place``.

    ``one_line`` says that the place already names the line.
    """
    # The parser recurses in C. Libraries that raise Python's recursion limit, as py-evm does,
    # turn a deeply nested text into a crash, so the depth is measured first.
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise DatasetError(f"{place}: JSON nested deeper than {MAX_DEPTH} levels.", _REMEDY)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        spot = place if one_line else f"{place}, line {error.lineno}"
        raise DatasetError(
            f"{spot}, column {error.colno}: malformed JSON, {error.msg.lower()}.", _REMEDY
        ) from error
    except ValueError as error:
        raise DatasetError(f"{place}: a number in the JSON is too long.", _REMEDY) from error


def load_array(path: Path, noun: str, form: str, *, max_bytes: int, max_entries: int) -> list[Any]:
    """Read a file that is a JSON array of ``noun``; the bounds are inclusive.

    Raises DatasetError, with ``form`` as its remedy, when it is missing, too large, malformed or
    empty.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise DatasetError(f"{path} is larger than {max_bytes:,} bytes.", form)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}).", form) from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no UTF-8 text.", form) from error
    listed = parse_json(text, str(path))
    if not isinstance(listed, list) or not 0 < len(listed) <= max_entries:
        raise DatasetError(f"{path} lists no {noun}, or more than {max_entries:,}.", form)
    return listed
