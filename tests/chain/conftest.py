"""Two servers of one chain that misbehave when told to."""

from threading import Thread

import pytest

from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.rpc_server import RpcServer
from tests.fakes.rpc_proxy import RpcProxy


@pytest.fixture(scope="module")
def idle_chain():
    """One chain for all tests that only read: its head stays at block 0."""
    with RpcServer(EmbeddedProvider(embedded_chain())) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture
def first(idle_chain):
    with RpcProxy(idle_chain) as proxy:
        yield proxy


@pytest.fixture
def second(idle_chain):
    with RpcProxy(idle_chain) as proxy:
        yield proxy
