"""A chain with events of every kind, written once for all who read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_tester import EthereumTester

from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.node.indexer import Indexer
from chainrep.session import bind_session
from tests.node.chain_writer import ACCOUNTS, MATCHED, MEMBERS, MISMATCHED, ChainWriter
from tests.node.meddler import Meddler, Remembering
from tests.node.reading import RIGHT, WRONG, indexer_in


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[EthereumTester, ChainWriter]:
    """One chain for all tests here: writing it takes seconds, going back to it none."""
    chain = embedded_chain()
    client = Client(EmbeddedProvider(chain), "the embedded chain")
    place = deploy_contracts(client, ACCOUNTS[0].private_key, MEMBERS, 2)
    config = Config(tmp_path_factory.mktemp("home"), "embedded", None)
    writer = ChainWriter(bind_session(config, client, place))
    writer.register("https://a.example", "https://b.example", "https://c.example")
    writer.judge({1: RIGHT, 2: WRONG})
    writer.cancel()
    writer.rate({1: (1, 2, 3, 4), 3: RIGHT})
    writer.vouch({ACCOUNTS[8].address: -100, ACCOUNTS[9].address: 50})
    writer.decide(MATCHED, MISMATCHED)
    writer.session.registry.rotate(2, ACCOUNTS[4].private_key, ACCOUNTS[5].private_key)
    writer.session.registry.retire(3, ACCOUNTS[4].private_key)
    writer.judge({1: RIGHT, 3: (55, 45, 0, 0)})
    return chain, writer


@pytest.fixture
def writer(written: tuple[EthereumTester, ChainWriter]) -> Iterator[ChainWriter]:
    """Whatever the test writes is taken back afterwards."""
    chain, writer = written
    start = chain.take_snapshot()
    yield writer
    chain.revert_to_snapshot(start)


@pytest.fixture(scope="session")
def still(written: tuple[EthereumTester, ChainWriter]) -> Client:
    """The chain as it was written, for tests that add nothing: asked every question only once."""
    return Client(Remembering(written[1].client), "the embedded chain")


@pytest.fixture
def meddler(writer: ChainWriter, still: Client) -> Meddler:
    return Meddler(still)


@pytest.fixture
def whole(writer: ChainWriter, still: Client, tmp_path: Path) -> Indexer:
    """The index of all that was written, in ``whole.sqlite``."""
    indexer_in(writer, tmp_path / "whole.sqlite", still).catch_up()
    return indexer_in(writer, tmp_path / "whole.sqlite")
