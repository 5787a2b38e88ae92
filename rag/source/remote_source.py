"""A source somewhere else: who it is, who owns it, where it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.types import MAX_SOURCE

MAX_URL_CHARS = 2_000
MAX_URLS = 4

_URL = re.compile(r"https?://[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """A source by its id and its owner's checksummed address, as the registry has them.

    It answers under each of ``urls``, the first one before the others. Raises InputError for a
    value out of its range, or what is no plain http:// or https:// URL.
    """

    id: int
    owner: str
    urls: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 < self.id <= MAX_SOURCE:
            raise InputError(f"Source id {self.id} is outside 1..{MAX_SOURCE}.")
        if not is_checksum_address(self.owner):
            raise InputError(f"The owner of source {self.id} is no checksummed address.")
        if not 0 < len(self.urls) <= MAX_URLS or not all(is_plain_url(url) for url in self.urls):
            raise InputError(
                f"Source {self.id} needs 1 to {MAX_URLS} http:// or https:// URLs without user,"
                " query and fragment."
            )


def is_plain_url(url: str) -> bool:
    """Whether it is an HTTP URL to which a path can be appended: host, port and path alone."""
    if len(url) > MAX_URL_CHARS or not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or "?" in url or "#" in url)
    return plain and bool(host) and port != 0


def host_of(url: str) -> str:
    """The host of a plain URL, to be shown."""
    return urlsplit(url).hostname or ""
