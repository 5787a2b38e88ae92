"""Real chains for the tests: the embedded one, and anvil from contracts/node_modules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts, embedded_chain, find_anvil, start_anvil
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, Session, bind_session
from tests.tools import ROOT, free_port, require_tool, serving, wait_for_chain

# Before torch loads: threads that spin while they wait slow each other down on shared cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The first example of a test may have to compile a kernel, and the machine is shared.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture
def embedded_url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def anvil_url() -> Iterator[str]:
    program = find_anvil(ROOT / "contracts")
    require_tool(program, "anvil")
    assert program is not None
    port = free_port()
    process = start_anvil(program, port)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_chain(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def client() -> Client:
    return Client(EmbeddedProvider(embedded_chain()), "the embedded chain")


@pytest.fixture
def session(client: Client, tmp_path: Path) -> Session:
    accounts = dev_accounts(10)
    members = [accounts[i].address for i in COMMITTEE]
    deployment = deploy_contracts(client, accounts[OWNER].private_key, members, THRESHOLD)
    config = Config(tmp_path / "home", "embedded", None)
    return bind_session(config, client, deployment)
