"""Walks that follow the edges: after any updates they are those of a rebuild, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.alias import build_alias
from chainrep.reputation.graph import snapshot_hash
from chainrep.reputation.live_walks import LiveWalks
from chainrep.reputation.walks import digest, hits, walk_from
from tests.reputation.plain_walk import KEY, graph_of, small_graphs

STOP = 4_000


def live_on(graph, seeds, per_seed, stop=STOP):
    return LiveWalks(graph, build_alias(graph), seeds, per_seed, KEY, stop)


def assert_is_a_rebuild(live, graph, seeds, per_seed, stop=STOP):
    rebuilt = walk_from(graph, build_alias(graph), seeds, per_seed, KEY, stop)
    assert digest(live.walks()) == digest(rebuilt)
    assert (live.hits == hits(rebuilt, graph.size)).all()
    assert snapshot_hash(live.graph()) == snapshot_hash(graph)


def apply(live, edges, pair, weight):
    if weight:
        live.set_edge(*pair, weight)
        edges[pair] = weight
    elif pair in edges:
        live.remove_edge(*pair)
        del edges[pair]
    else:
        with pytest.raises(InputError, match="no such edge"):
            live.remove_edge(*pair)


@given(small_graphs(), st.data())
@settings(deadline=None, max_examples=60)
def test_any_updates_of_any_graph_end_where_a_rebuild_does(drawn, data):
    size, edges = drawn
    stop = data.draw(st.sampled_from([500, STOP, 30_000]))
    seeds = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    live = live_on(graph_of(size, edges), sorted(seeds), 6, stop)
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
        lambda pair: pair[0] != pair[1]
    )
    weight = st.just(0) | st.integers(1, 4) | st.integers(1, 65_535)
    for update in data.draw(st.lists(st.tuples(pair, weight), max_size=8)):
        apply(live, edges, *update)
        assert_is_a_rebuild(live, graph_of(size, edges), sorted(seeds), 6, stop)


def test_thousands_of_updates_on_a_larger_graph_leave_no_difference():
    rng = np.random.default_rng(3)
    size, edges = 300, {}
    for _ in range(1_500):
        u, v = (int(rng.integers(size) * rng.random()) for _ in range(2))
        if u != v:
            edges[u, v] = int(rng.integers(1, 1_000))
    live = live_on(graph_of(size, edges), range(0, size, 10), 40)
    for i in range(3_000):
        u, v = (int(rng.integers(size) * rng.random()) for _ in range(2))
        if i % 3 == 0 and u != v:
            apply(live, edges, (u, v), int(rng.integers(1, 1_000)))
        elif i % 3:
            pair = list(edges)[int(rng.integers(len(edges)))]
            apply(live, edges, pair, int(rng.integers(1, 1_000)) if i % 3 == 1 else 0)
    assert_is_a_rebuild(live, graph_of(size, edges), range(0, size, 10), 40)


def test_a_graph_grows_from_no_edge_to_all_and_back():
    size = 60
    live = live_on(graph_of(size, {}), range(size), 40, 1)
    edges = {(u, v): 1 + u + v for u in range(size) for v in range(size) if u != v}
    for (u, v), weight in edges.items():
        live.set_edge(u, v, weight)
    assert_is_a_rebuild(live, graph_of(size, edges), range(size), 40, 1)
    assert np.diff(live.walks().start).max() == 65
    for u, v in edges:
        live.remove_edge(u, v)
    assert_is_a_rebuild(live, graph_of(size, {}), range(size), 40, 1)
    assert live.hits.tolist() == [40] * size


def test_rows_and_paths_given_up_are_used_again():
    size = 40
    live = live_on(graph_of(size, {(0, 1): 1}), [0], 100, 500)
    for _ in range(30):
        for v in range(2, size):
            live.set_edge(0, v, v)
            live.set_edge(v, 0, 1)
        for v in range(2, size):
            live.remove_edge(0, v)
            live.remove_edge(v, 0)
    assert len(live._rows.table) < 2_000
    assert len(live._paths.line) < 3 * 2_000
    assert_is_a_rebuild(live, graph_of(size, {(0, 1): 1}), [0], 100, 500)


def test_the_same_weight_again_changes_nothing():
    live = live_on(graph_of(3, {(0, 1): 5, (0, 2): 1}), [0], 50)
    before = digest(live.walks())
    live.set_edge(0, 1, 5)
    assert digest(live.walks()) == before


def test_walks_that_never_meet_the_rater_are_left_alone():
    edges = {(0, 1): 1, (1, 0): 1, (2, 3): 1, (3, 2): 1}
    live = live_on(graph_of(5, edges), [0, 2], 50)
    before = live.walks()
    live.set_edge(2, 4, 9)
    after = live.walks()
    own = int(before.start[50])
    assert after.node[:own].tolist() == before.node[:own].tolist()
    assert digest(after) != digest(before)


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ((0, 0, 5), "rates itself"),
        ((0, 3, 5), "not in the graph"),
        ((-1, 1, 5), "not in the graph"),
        ((0, 1, 0), "weight"),
        ((0, 1, 65_536), "weight"),
    ],
)
def test_a_bad_edge_is_refused_and_changes_nothing(update, words):
    edges = {(0, 1): 5}
    live = live_on(graph_of(3, edges), [0], 10)
    with pytest.raises(InputError, match=words):
        live.set_edge(*update)
    assert_is_a_rebuild(live, graph_of(3, edges), [0], 10)


def test_more_walks_than_can_be_kept_are_refused_before_any_is_walked():
    with pytest.raises(InputError, match="kept up to date"):
        live_on(graph_of(3, {(0, 1): 5}), [0], 2**24 + 1)
