"""What a client shows a source that does not answer everybody."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that a source's owner, by checksummed address, gave us."""

    owner: str
    text: str = field(repr=False)


def api_keys(keys: Mapping[int, ApiKey]) -> Credentials:
    """An API key for each of these source ids, as long as the source is its owner's.

    No key travels to a later owner, nor unencrypted to another machine. Raises InputError, which
    repeats no key, for one that does not fit into a header.
    """
    for source, key in keys.items():
        if not key.text.isascii() or not key.text.isprintable() or not 0 < len(key.text) <= 200:
            raise InputError(f"The API key for source {source} is no printable ASCII text.")

    def bearer(source: RemoteSource, url: str, body: bytes) -> str:  # noqa: ARG001
        key = keys.get(source.id)
        if key is None:
            return ""
        if source.owner != key.owner:
            raise Unanswered(
                f"is owned by {source.owner}, and its API key is for another owner: ask this one"
                " for a key, or take the line out of the file"
            )
        if not url.startswith("https://") and not _is_here(urlsplit(url).hostname or ""):
            raise Unanswered("answers over http:// alone, and an API key is not sent unencrypted")
        return f"Bearer {key.text}"

    return bearer


def read_source_keys(path: Path) -> dict[int, ApiKey]:
    """The API keys in a file, a line "ID OWNER KEY" for each source; InputError as of its lines."""
    keys: dict[int, ApiKey] = {}
    for line in read_key_lines(path, "ID", "OWNER"):
        name, owner = line.words
        if not name.isdecimal() or not 0 < int(name) <= MAX_SOURCE:
            raise InputError(
                f"{line.place}: its first word is no source's id.",
                "`chainrep source list` shows the ids.",
            )
        if not is_checksum_address(owner):
            raise InputError(
                f"{line.place}: what stands behind the id is no checksummed address.",
                "`chainrep source show ID` shows the owner.",
            )
        if int(name) in keys:
            raise InputError(f"{line.place}: a second key for one source.", "Keep one.")
        keys[int(name)] = ApiKey(owner, line.key)
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
