"""Files of API keys: a line "NAME KEY" for each, and never a key in an error or a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chainrep.errors import InputError

MAX_KEYS_BYTES = 2**20
_LINE = re.compile(r"([0-9A-Za-z._-]{1,64})\s+([!-~]{16,200})", re.ASCII)
_FORM = 'Write a line "{name} KEY" for each, the key of 16 to 200 characters without spaces.'


def read_key_lines(path: Path, name: str = "NAME") -> Iterator[tuple[str, str]]:
    """Each name and its key; empty lines and # comments are skipped. ``name`` says what names are.

    Raises InputError with the line's number, and never with what stands there: for a line that is
    none, a name that stands there twice, a file without any.
    """
    form = _FORM.format(name=name)
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
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise InputError(f"{path}, line {number}: this is no {name.lower()} and key.", form)
        if found[1] in names:
            raise InputError(f"{path}, line {number}: this name stands there twice.", form)
        names.add(found[1])
        yield found[1], found[2]
    if not names:
        raise InputError(f"{path} holds no key.", form)
