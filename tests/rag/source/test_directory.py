"""From what strangers wrote into the registry to the sources that are asked."""

import pytest

from chainrep.chain.source_registry import Source
from chainrep.errors import InputError
from rag.source.directory import reachable
from rag.source.remote_source import RemoteSource
from tests.rag.source.asking_town import owner_of


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
