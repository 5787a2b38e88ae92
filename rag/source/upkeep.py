"""What a running service sees to: stopping, a changed corpus, a source that is handed over."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from threading import Event, Thread

from chainrep.errors import ChainError
from rag.source.live_corpus import LiveCorpus

OWNER_SECONDS = 60.0
_TICK_SECONDS = 0.2

_log = logging.getLogger(__name__)


def reload_signals() -> Event:
    """What SIGHUP sets."""
    asked = Event()
    signal.signal(signal.SIGHUP, lambda *_: asked.set())
    return asked


def keep_serving(
    live: LiveCorpus,
    stopping: Event,
    asked: Event,
    watch: float,
    check_owner: Callable[[], object],
    alive: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    owner_seconds: float = OWNER_SECONDS,
) -> None:
    """Return when ``stopping`` is set or ``alive`` fails; reload where ``asked``, or files change.

    The files are looked at every ``watch`` seconds, never where it is 0; ``check_owner`` is called
    every ``owner_seconds``. What it raises ends it, except that a chain that fails is asked again.
    """
    reloading: Thread | None = None
    look_at, ask_at = clock() + watch, clock() + owner_seconds
    while not stopping.wait(_TICK_SECONDS) and alive():
        if clock() >= ask_at:
            ask_at = clock() + owner_seconds
            try:
                check_owner()
            except ChainError as error:
                _log.warning("the chain fails: %s", error)
        if reloading is not None and reloading.is_alive():
            continue
        changed = False
        if watch and clock() >= look_at:
            look_at = clock() + watch
            changed = live.changed()
        if changed or asked.is_set():
            asked.clear()
            reloading = Thread(target=live.reload, name="reindex", daemon=True)
            reloading.start()
