"""What tests need of the machine they run on."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

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
