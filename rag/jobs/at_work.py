"""The loop of a provider or a verifier: step after step until it is told to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import Protocol

from chainrep.chain.client import Client
from chainrep.chain.devnet import DEVNET_CHAIN_IDS
from chainrep.errors import ChainError
from rag.jobs.advancing import tick

PAUSE_SECONDS, LOCAL_PAUSE_SECONDS = 4.0, 0.8
"""Between steps: a third of a block of Ethereum's, or less on a chain that makes them at once."""
_LONGEST_PAUSE = 60.0

_log = logging.getLogger(__name__)


class Worker(Protocol):
    """Something that takes steps, and says whether it is in the middle of something."""

    def step(self) -> bool:
        """Do what can be done now; whether anything was."""
        ...

    @property
    def waiting(self) -> bool:
        """Whether time has to pass for something to go on."""
        ...


def keep_at_work(
    worker: Worker,
    client: Client,
    private_key: bytes,
    stopping: Event,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Step until ``stopping`` is set or ``alive`` fails; a chain that fails is asked again later.

    StoreError ends it: nothing may be sent that cannot be kept.
    """
    local = client.chain_id in DEVNET_CHAIN_IDS
    usual = pause = LOCAL_PAUSE_SECONDS if local else PAUSE_SECONDS
    while not stopping.wait(pause) and alive():
        try:
            if not worker.step() and worker.waiting:
                tick(client, private_key)
            pause = usual
        except ChainError as error:
            _log.warning("the chain fails: %s", error)
            pause = min(2 * pause, _LONGEST_PAUSE)
