"""Real chains for the tests: the embedded one, and anvil from contracts/node_modules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_tester import EthereumTester
from hypothesis import settings

from chainrep.chain.address_book import Deployment
from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts, embedded_chain, find_anvil, start_anvil
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, Session, bind_session
from tests.tools import ROOT, copied, free_port, require_tool, serving, wait_for_chain

# Before torch loads: threads that spin while they wait slow each other down on shared cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:  # every core has a process of tests already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

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
        process.wait(60)


@pytest.fixture
def client() -> Client:
    return Client(EmbeddedProvider(embedded_chain()), "the embedded chain")


@pytest.fixture(scope="session")
def founded() -> tuple[EthereumTester, Deployment]:
    """A chain on which the contracts have just been deployed: only to be copied."""
    chain, accounts = embedded_chain(), dev_accounts(10)
    members = [accounts[i].address for i in COMMITTEE]
    client = Client(EmbeddedProvider(chain), "the embedded chain")
    return chain, deploy_contracts(client, accounts[OWNER].private_key, members, THRESHOLD)


@pytest.fixture
def session(founded: tuple[EthereumTester, Deployment], tmp_path: Path) -> Session:
    """Contracts on a chain of the test's own: a copy, since deploying takes more than a second."""
    chain, deployment = founded
    chain = copied(chain)
    chain.mine_block()  # so that its newest block is of now
    client = Client(EmbeddedProvider(chain), "the embedded chain")
    return bind_session(Config(tmp_path / "home", "embedded", None), client, deployment)
