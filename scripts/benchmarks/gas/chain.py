"""A fresh chain to measure on, whose every block is later than the one before it.

Equal timestamps would leave a word of storage unchanged and fake a saving.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth_account import Account

from chainrep.chain.client import Client, connect
from chainrep.chain.devnet import dev_accounts, embedded_chain, find_anvil, start_anvil
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.errors import ChainUnreachable

ROOT = Path(__file__).parents[3]
BLOCK_SECONDS = 12
OWNER, SOURCE_OWNER, PROPOSER, CHALLENGER = dev_accounts(4)


@contextmanager
def fresh_chain() -> Iterator[tuple[Client, str]]:
    """anvil where it is found, else the embedded chain; both run Prague rules."""
    program = find_anvil(ROOT / "contracts")
    if program is None:
        yield Client(EmbeddedProvider(embedded_chain()), "embedded"), "py-evm (eth-tester)"
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start_anvil(program, port)
    try:
        client = _await(f"http://127.0.0.1:{port}")
        request = "anvil_setBlockTimestampInterval"
        client.w3.provider.make_request(request, [BLOCK_SECONDS])  # type: ignore[arg-type]
        yield client, "anvil"
    finally:
        process.terminate()
        process.wait()


def member_keys(count: int) -> dict[str, bytes]:
    """Private keys of a committee, by address in ascending order."""
    accounts = [Account.from_key(i.to_bytes(32)) for i in range(1, count + 1)]
    return {
        str(a.address): bytes(a.key) for a in sorted(accounts, key=lambda a: int(a.address, 16))
    }


def _await(url: str) -> Client:
    for _ in range(100):
        try:
            return connect(url)
        except ChainUnreachable:
            time.sleep(0.05)
    return connect(url)
