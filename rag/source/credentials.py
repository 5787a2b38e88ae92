"""What a client shows a source that does not answer everybody."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from chainrep.errors import InputError
from chainrep.protocol.authorization import LIFETIME_SECONDS
from chainrep.protocol.source_receipt import SourceDomain
from chainrep.protocol.types import MAX_SOURCE
from rag.source.access import authorize_search
from rag.source.exchange import Unanswered
from rag.source.key_file import read_key_lines
from rag.source.remote_source import RemoteSource

Credentials = Callable[[RemoteSource, str, bytes], str]
"""The Authorization header of a search of a source, under a URL, with this body; or nothing.

May raise Unanswered, with the reason why the source is not asked.
"""


def nothing(source: RemoteSource, url: str, body: bytes) -> str:  # noqa: ARG001
    """For sources that answer everybody."""
    return ""


def api_keys(keys: Mapping[int, str]) -> Credentials:
    """An API key for each of these source ids; no key travels unencrypted to another machine.

    Raises InputError, which repeats no key, for one that does not fit into a header.
    """
    for source, key in keys.items():
        if not key.isascii() or not key.isprintable() or not 0 < len(key) <= 200:
            raise InputError(f"The API key for source {source} is no printable ASCII text.")

    def bearer(source: RemoteSource, url: str, body: bytes) -> str:  # noqa: ARG001
        key = keys.get(source.id)
        if key is None:
            return ""
        if not url.startswith("https://") and not _is_here(urlsplit(url).hostname or ""):
            raise Unanswered("answers over http:// alone, and an API key is not sent unencrypted")
        return f"Bearer {key}"

    return bearer


def read_source_keys(path: Path) -> dict[int, str]:
    """The API keys in a file, a line "ID KEY" for each source; InputError as of its lines."""
    keys: dict[int, str] = {}
    for name, key in read_key_lines(path, "ID"):
        if not name.isdecimal() or not 0 < int(name) <= MAX_SOURCE:
            raise InputError(
                f"{path}: {name!r} is no source's id.", "`chainrep source list` shows the ids."
            )
        if int(name) in keys:
            raise InputError(f"{path} has two keys for source {int(name)}.", "Keep one.")
        keys[int(name)] = key
    return keys


def first_of(*shown: Credentials) -> Credentials:
    """What the first of these shows that shows anything."""

    def first(source: RemoteSource, url: str, body: bytes) -> str:
        return next(filter(None, (each(source, url, body) for each in shown)), "")

    return first


def signed_by(
    private_key: bytes, domain: SourceDomain, clock: Callable[[], float] = time.time
) -> Credentials:
    """Every search signed by this key, for its source alone."""

    def signed(source: RemoteSource, url: str, body: bytes) -> str:  # noqa: ARG001
        expires = int(clock()) + LIFETIME_SECONDS
        return authorize_search(body, expires, source.id, source.owner, domain, private_key)

    return signed


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
