from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.graph import NO_LINKS, build_graph, make_links, snapshot_hash, transpose

NAMES = [f"a{i}" for i in range(6)]
PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] != pair[1]),
    st.integers(1, 65_535),
)


def links_of(pairs):
    table = [(a, b, w) for (a, b), w in pairs.items()]
    return make_links(*(np.array(column, np.int64) for column in zip(*table, strict=True))) if (
        table
    ) else NO_LINKS  # fmt: skip


@given(PAIRS, PAIRS, st.randoms())
def test_the_order_of_the_links_changes_no_bit(trusted, warned, random):
    graph = build_graph(NAMES, links_of(trusted), links_of(warned))
    shuffled = list(trusted.items())
    random.shuffle(shuffled)
    again = build_graph(NAMES, links_of(dict(shuffled)), links_of(warned))
    assert snapshot_hash(graph) == snapshot_hash(again)
    assert (graph.into.node == again.into.node).all()


@given(PAIRS)
def test_both_directions_hold_the_same_links(pairs):
    graph = build_graph(NAMES, links_of(pairs))
    read = {
        (u, int(graph.out.node[i])): int(graph.out.weight[i])
        for u in range(6)
        for i in range(graph.out.start[u], graph.out.start[u + 1])
    }
    assert read == pairs
    assert (transpose(graph.into).weight == graph.out.weight).all()
    for u in range(6):
        assert graph.out.total[u] == sum(w for (a, _), w in pairs.items() if a == u)


@given(PAIRS, PAIRS)
def test_different_links_have_different_hashes(one, other):
    a, b = (snapshot_hash(build_graph(NAMES, links_of(pairs))) for pairs in (one, other))
    assert (a == b) == (one == other)


def test_trust_and_warning_of_the_same_pair_hash_differently():
    pair = make_links([0], [1], [5])
    trusted, warned = build_graph(NAMES, pair), build_graph(NAMES, NO_LINKS, pair)
    assert snapshot_hash(trusted) != snapshot_hash(warned)


def test_accounts_are_found_by_name():
    graph = build_graph(NAMES, NO_LINKS)
    assert [graph.find(name) for name in ("a0", "a5", "b")] == [0, 5, None]


@pytest.mark.parametrize(
    ("links", "says"),
    [
        (([0], [0], [1]), "rates itself"),
        (([0], [6], [1]), "not in the graph"),
        (([0, 0], [1, 1], [1, 2]), "appears twice"),
    ],
)
def test_impossible_links_are_named(links, says):
    with pytest.raises(InputError, match=says):
        build_graph(NAMES, make_links(*links))


@pytest.mark.parametrize(
    "columns",
    [
        ([0], [1], [0]),
        ([0], [1], [65_536]),
        ([-1], [1], [1]),
        ([0], [1, 2], [1]),
        ([0], [1], [0.5]),
    ],
)
def test_numbers_that_do_not_fit_are_refused(columns):
    with pytest.raises(InputError):
        make_links(*columns)


@pytest.mark.parametrize("accounts", [[], ["b", "a"], ["a", "a"]])
def test_accounts_must_ascend(accounts):
    with pytest.raises(InputError):
        build_graph(accounts, NO_LINKS)
