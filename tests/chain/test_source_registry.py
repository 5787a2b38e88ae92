"""The life of a source, from the client's side, on a real chain."""

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import CallRefused, DuplicateSource, UnknownSource

OLD, NEW, STRANGER = dev_accounts(10)[5:8]
URI = "https://one.example"


@pytest.fixture
def registry(session):
    session.registry.register(URI, OLD.private_key)
    return session.registry


def test_a_source_is_handed_to_a_new_key_by_both(registry):
    registry.rotate(1, OLD.private_key, NEW.private_key)
    assert registry.source(1).owner == NEW.address
    assert [source.owner for source in registry.sources()] == [NEW.address]
    registry.rotate(1, NEW.private_key, OLD.private_key, STRANGER.private_key)
    assert registry.source(1).owner == OLD.address


def test_a_source_is_not_handed_over_by_a_stranger(registry):
    with pytest.raises(CallRefused, match=r"RotationNotSigned.*Both"):
        registry.rotate(1, STRANGER.private_key, NEW.private_key)


def test_a_retired_source_stays_retired_and_readable(session, registry):
    registry.retire(1, OLD.private_key)
    assert registry.source(1).retired
    assert [source.retired for source in registry.sources()] == [True]
    assert session.ledger.scores([1])[0].supported == 0
    with pytest.raises(CallRefused, match="stays retired"):
        registry.rotate(1, OLD.private_key, NEW.private_key)


def test_only_its_owner_retires_a_source(registry):
    with pytest.raises(CallRefused, match="account that owns the source"):
        registry.retire(1, STRANGER.private_key)
    assert not registry.source(1).retired


def test_a_uri_is_registered_once_per_owner(registry):
    with pytest.raises(DuplicateSource, match="source 1"):
        registry.register(URI, OLD.private_key)
    assert registry.register(URI, NEW.private_key)[0] == 2


def test_a_source_that_nobody_registered_is_unknown(registry):
    for attempt in (registry.source, lambda i: registry.retire(i, OLD.private_key)):
        with pytest.raises(UnknownSource, match="No source has the id 9"):
            attempt(9)
