"""Which registered sources can be asked, since a URI in the registry may say anything."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from chainrep.errors import InputError
from rag.source.remote_source import RemoteSource

logger = logging.getLogger(__name__)


class RegisteredSource(Protocol):
    """A source as the registry, or an index of it, has it."""

    @property
    def id(self) -> int:
        """Its id."""
        ...

    @property
    def owner(self) -> str:
        """The checksummed address of the key that signs for it."""
        ...

    @property
    def uri(self) -> str:
        """Where it answers, in its owner's words."""
        ...

    @property
    def retired(self) -> bool:
        """Whether it is there no more."""
        ...


def reachable(sources: Iterable[RegisteredSource]) -> tuple[RemoteSource, ...]:
    """Those that have not retired and name an http:// or https:// URL; a URI may be anything."""
    found = []
    for source in sources:
        if source.retired:
            continue
        try:
            found.append(RemoteSource(source.id, source.owner, (source.uri.rstrip("/"),)))
        except InputError as error:
            logger.info("source %d is left out: %s", source.id, error)
    return tuple(found)
