"""Two servers of one chain that misbehave when told to."""

import pytest

from tests.fakes.rpc_proxy import RpcProxy
from tests.tools import serving


@pytest.fixture(scope="module")
def idle_chain():
    """One chain for all tests that only read: its head stays at block 0."""
    with serving() as url:
        yield url


@pytest.fixture
def first(idle_chain):
    with RpcProxy(idle_chain) as proxy:
        yield proxy


@pytest.fixture
def second(idle_chain):
    with RpcProxy(idle_chain) as proxy:
        yield proxy
