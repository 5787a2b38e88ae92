"""From what strangers wrote into the registry to the sources that are asked."""

from dataclasses import dataclass

import pytest

from chainrep.chain.source_registry import Source
from chainrep.errors import ChainUnreachable, InputError
from rag.source.directory import Directory, reachable
from rag.source.remote_source import RemoteSource
from tests.rag.source.asking_town import owner_of


@dataclass
class Registry:
    """The chain's list, while the chain can be asked."""

    listed: list
    reads: int = 0
    down: bool = False

    def sources(self):
        self.reads += 1
        if self.down:
            raise ChainUnreachable("Nothing answers.")
        return self.listed


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def source(number, uri, retired=False):
    return Source(number, owner_of(number), uri, 0, retired)


def test_sources_that_answer_over_http_are_listed():
    found = reachable(
        [
            source(1, "https://one.example/"),
            source(2, "http://two.example:8080/rag"),
            source(3, "https://three.example", retired=True),
        ]
    )
    assert found == (
        RemoteSource(1, owner_of(1), ("https://one.example",)),
        RemoteSource(2, owner_of(2), ("http://two.example:8080/rag",)),
    )


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "ipfs://bafy",
        "file:///etc/passwd",
        "gopher://one.example",
        "http://",
        "http://:80",
        "https://one.example:0",
        "https://one.example:99999",
        "https://user:word@one.example",
        "https://one.example/?a=b",
        "https://one.example/?",
        "https://one.example/#a",
        "https://one.example/\r\nHost: two.example",
        "https://one.example/\x00",
        "https://ex ample",
        "https://[::1",
        "https://ünï.example",
        "https://one.example/" + "a" * 2_000,
    ],
)
def test_a_uri_that_is_no_plain_http_url_is_left_out(uri):
    assert reachable([source(1, uri), source(2, "https://two.example")]) == (
        RemoteSource(2, owner_of(2), ("https://two.example",)),
    )


def test_the_chain_is_asked_again_after_a_while_only():
    registry, clock = Registry([source(1, "https://one.example")]), Clock()
    directory = Directory(registry, fresh_seconds=60.0, clock=clock)
    for _ in range(5):
        assert [s.id for s in directory.sources()] == [1]
    assert registry.reads == 1
    registry.listed = [*registry.listed, source(2, "https://two.example")]
    clock.now += 60.0
    assert [s.id for s in directory.sources()] == [1, 2]
    assert directory.age() == 0.0


def test_while_the_chain_is_away_the_last_list_stands_and_its_age_is_known():
    registry, clock = Registry([source(1, "https://one.example")]), Clock()
    directory = Directory(registry, fresh_seconds=60.0, clock=clock)
    directory.sources()
    registry.down = True
    clock.now += 600.0
    for _ in range(5):
        assert [s.id for s in directory.sources()] == [1]
    assert registry.reads == 2
    assert directory.age() == 600.0


def test_without_any_list_the_chains_absence_is_said():
    with pytest.raises(ChainUnreachable):
        Directory(Registry([], down=True)).sources()


@pytest.mark.parametrize(
    "arguments",
    [
        (0, owner_of(1), ("https://one.example",)),
        (2**32, owner_of(1), ("https://one.example",)),
        (1, owner_of(1).lower(), ("https://one.example",)),
        (1, owner_of(1), ()),
        (1, owner_of(1), ("https://one.example",) * 5),
        (1, owner_of(1), ("https://one.example", "ftp://one.example")),
    ],
)
def test_a_remote_source_out_of_range_is_refused(arguments):
    with pytest.raises(InputError):
        RemoteSource(*arguments)
