"""What commands of rag share: errors as the command line prints them, extras named, signals."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar

from chainrep.errors import ChainrepError, ConfigError

F = TypeVar("F", bound=Callable[..., Any])


def with_rag(command: F) -> Callable[..., Any]:
    """Turn rag's own errors into those that the command line prints, and name missing extras."""

    @functools.wraps(command)
    def guarded(*arguments: object, **named: object) -> object:
        from rag.errors import RagError

        # Before torch loads: threads that spin while they wait made the demo five times slower
        # on cores shared with other programs.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            return command(*arguments, **named)
        except RagError as error:
            failure = ChainrepError(error.summary, error.remedy)
            failure.exit_code = error.exit_code
            raise failure from error
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"The package {error.name} is not installed.", "pip install 'chainrep[rag]'"
            ) from error

    return guarded


def stop_signals() -> Event:
    """What SIGINT and SIGTERM set."""
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
