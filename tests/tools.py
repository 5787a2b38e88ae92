"""What tests need of the machine they run on."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from chainrep.chain.client import connect
from chainrep.errors import ChainUnreachable

ROOT = Path(__file__).parent.parent


def require_tool(found: object, name: str) -> None:
    """Skip for a missing tool on a person's machine, fail where CI promised to install it."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing, and in CI nothing may be skipped for that")
    pytest.skip(f"{name} is not installed (npm ci in contracts/)")


def free_port() -> int:
    """A port on loopback that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def interruptible() -> None:
    """For ``preexec_fn``: a shell's background jobs ignore Ctrl-C, and so would their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_chain(url: str) -> None:
    """Return as soon as a chain answers; fail after half a minute."""
    for _ in range(300):
        try:
            connect(url)
        except ChainUnreachable:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"no chain came up at {url}")
