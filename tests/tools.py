"""What tests need of the machine they run on."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from threading import Thread

import pytest
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB
from eth_tester import EthereumTester

from chainrep.chain.client import connect
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.rpc_server import RpcServer
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


@contextmanager
def lines(*texts: str) -> Iterator[str]:
    """A file descriptor from which these lines can be read, as an option names it."""
    reader, writer = os.pipe()
    os.write(writer, "".join(text + "\n" for text in texts).encode())
    os.close(writer)
    try:
        yield str(reader)
    finally:
        os.close(reader)


def copied(chain: EthereumTester) -> EthereumTester:
    """A chain with the same blocks that goes its own way: going back leaves receipts behind."""
    backend = copy(chain.backend)
    blocks = chain.backend.chain.chaindb.db.wrapped_db.kv_store
    backend.chain = type(backend.chain)(AtomicDB(MemoryDB(dict(blocks))))
    backend.chain.gas_estimator = chain.backend.chain.gas_estimator
    return EthereumTester(backend)


@contextmanager
def serving(chain: EmbeddedProvider | None = None) -> Iterator[str]:
    """The URL at which an embedded chain answers, a fresh one unless it is given."""
    with RpcServer(chain or EmbeddedProvider(embedded_chain())) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


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
