"""Which sources there are and where they answer, as the chain's registry says."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Protocol

from chainrep.errors import ChainError, InputError
from rag.source.remote_source import RemoteSource

FRESH_SECONDS = 60.0

logger = logging.getLogger(__name__)


class RegisteredSource(Protocol):
    """A source as ``chainrep.chain.source_registry`` has it."""

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


class Registry(Protocol):
    """What lists every source: ``chainrep.chain.source_registry.SourceRegistry``."""

    def sources(self) -> Sequence[RegisteredSource]:
        """Every source, retired ones included; raises ChainError."""
        ...


class Directory:
    """The registry's sources that answer over HTTP. Any number of threads may ask.

    While the chain cannot be asked, the last list stands; ``age`` says how old it is.
    """

    def __init__(
        self,
        registry: Registry,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._lock = Lock()
        self._listed: tuple[RemoteSource, ...] | None = None
        self._read_at = self._tried_at = 0.0

    def sources(self) -> tuple[RemoteSource, ...]:
        """The sources by id, at most as old as the chain allows.

        Raises ChainError where the chain cannot be asked and no earlier list is there.
        """
        with self._lock:
            now = self._clock()
            if self._listed is None or now - self._tried_at >= self._fresh_seconds:
                self._tried_at = now
                try:
                    self._listed, self._read_at = reachable(self._registry.sources()), now
                except ChainError as error:
                    if self._listed is None:
                        raise
                    logger.warning("the list of sources is %.0f s old: %s", self.age(), error)
            return self._listed

    def age(self) -> float:
        """How many seconds ago the chain last gave the list."""
        return self._clock() - self._read_at


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
