"""Who may search: everybody, the holders of API keys, or the accounts on a list.

A key is kept as its SHA-256 only and appears in no log. A request of an account is signed with
the source's owner as the one it is meant for (``chainrep.protocol.authorization``), and with the
source's id in what is signed, so that it is of no use at another source, of the same owner either.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError, NotAuthorized
from chainrep.protocol.authorization import (
    MAX_LIFETIME_SECONDS,
    authorize,
    body_digest,
    dump_authorization,
    parse_authorization,
    recover_coordinator,
)
from chainrep.protocol.source_receipt import SourceDomain
from chainrep.protocol.typed_data import LedgerDomain
from rag.source.key_file import read_key_lines

_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Access:
    """``keys`` are SHA-256 digests by the name of who holds the key, ``accounts`` addresses.

    With neither of the two, everybody may search. ``owner`` is who requests have to be meant for,
    ``source`` the id of the source. Raises InputError for accounts without it.
    """

    owner: str
    domain: SourceDomain
    keys: Mapping[str, bytes] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    source: int = 0

    def __post_init__(self) -> None:
        if self.accounts and not self.source:
            raise InputError("Signed searches are of one source, whose id is missing.")

    @property
    def everybody(self) -> bool:
        """Whether nobody has to say who they are."""
        return not self.keys and not self.accounts

    def asker(self, header: str, body: bytes, now: float) -> str:
        """Who sent this Authorization header with a search: a key's name, or an address.

        Raises NotAuthorized where it is nobody who may.
        """
        if header.startswith(_BEARER):
            return self._holder(header.removeprefix(_BEARER))
        return self._account(header, body, now)

    def _holder(self, key: str) -> str:
        digest = hashlib.sha256(key.encode(errors="replace")).digest()
        # Every one is compared, so that the time taken tells nothing about any of them.
        found = [name for name, known in self.keys.items() if hmac.compare_digest(known, digest)]
        if not found:
            raise NotAuthorized("The API key is none of this source.")
        return found[0]

    def _account(self, header: str, body: bytes, now: float) -> str:
        if not header:
            raise NotAuthorized("This source answers holders of an API key or signed requests.")
        found = parse_authorization(header)
        if not 0 <= found.expires - now <= MAX_LIFETIME_SECONDS:
            raise NotAuthorized("The request's signature has expired, or is good for too long.")
        account = recover_coordinator(found, self.owner, requests_domain(self.domain))
        if account not in self.accounts:
            raise NotAuthorized(f"{account} may not search this source.")
        if not hmac.compare_digest(body_digest(signed_part(body, self.source)), found.body):
            raise NotAuthorized("The request is not the one that was signed.")
        return account


def authorize_search(
    body: bytes, expires: int, source: int, owner: str, domain: SourceDomain, private_key: bytes
) -> str:
    """The Authorization header of one search of ``source``, which is of ``owner``, by an account.

    ``expires`` is in Unix seconds, at most 600 ahead.
    """
    part = signed_part(body, source)
    return dump_authorization(authorize(part, expires, owner, requests_domain(domain), private_key))


def signed_part(body: bytes, source: int) -> bytes:
    """The bytes of a search of a source whose digest is signed."""
    return b"POST /search %d\n" % source + body


def requests_domain(domain: SourceDomain) -> LedgerDomain:
    """What requests to a source are signed for: its registry."""
    return LedgerDomain(domain.chain_id, domain.registry)


def read_keys(path: Path) -> dict[str, bytes]:
    """The digests of the API keys in a file, by name.

    Raises InputError as `read_key_lines` does, and for one key of two names.
    """
    keys = {
        line.words[0]: hashlib.sha256(line.key.encode()).digest()
        for line in read_key_lines(path, "NAME")
    }
    if len(set(keys.values())) < len(keys):
        raise InputError(f"In {path} one key stands there twice.", "Give everybody a key alone.")
    return keys


def read_accounts(addresses: tuple[str, ...]) -> frozenset[str]:
    """The addresses as given; raise InputError where one has no valid checksum."""
    for address in addresses:
        if not is_checksum_address(address):
            raise InputError(f"{address!r} is no checksummed address.", "Check --allow.")
    return frozenset(addresses)
