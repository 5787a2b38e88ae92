"""Files of API keys: a line with a name and KEY for each, and never a key in an error or a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chainrep.errors import InputError

MAX_KEYS_BYTES = 2**20
_WORD = re.compile(r"[0-9A-Za-z._-]{1,64}")
_KEY = re.compile(r"[!-~]{16,200}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_FORM = 'Write a line "{columns} KEY" for each, the key of 16 to 200 characters without spaces.'


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A line's words before its key, and ``place``: where it stands, all that an error may say."""

    place: str
    words: tuple[str, ...] = field(repr=False)
    key: str = field(repr=False)


def read_key_lines(path: Path, *columns: str) -> Iterator[KeyLine]:
    """Each line that is neither empty nor a # comment.

    ``columns`` says what stands before the key, first a name that no two lines share. Raises
    InputError with the line's number, and never with what stands there: for a line of another
    form, an address in the key's place, a name that stands there twice, a file without any.
    """
    form = _FORM.format(columns=" ".join(columns))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEYS_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}).", "Check --api-keys."
        ) from error
    if len(content) > MAX_KEYS_BYTES:
        raise InputError(f"{path} is larger than {MAX_KEYS_BYTES:,} bytes.", "Check --api-keys.")
    names = set[str]()
    text = content.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = f"{path}, line {number}"
        *words, key = line.split()
        sound = len(words) == len(columns) and all(_WORD.fullmatch(word) for word in words)
        if not sound or not _KEY.fullmatch(key):
            wanted = " and ".join(column.lower() for column in (*columns, "key"))
            raise InputError(f"{place}: this is no {wanted}.", form)
        if "OWNER" in columns and _ADDRESS.fullmatch(
            key
        ):  # words in another order: the key is one of the others
            raise InputError(f"{place}: an address stands where the key should.", form)
        if words[0] in names:
            raise InputError(f"{place}: this name stands there twice.", form)
        names.add(words[0])
        yield KeyLine(place, tuple(words), key)
    if not names:
        raise InputError(f"{path} holds no key.", form)
