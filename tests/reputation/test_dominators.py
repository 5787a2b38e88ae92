"""Who stands alone between the seeds and an account, found whatever the graph looks like."""

import time

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.reputation.dominators import NOBODY, find_dominators
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.ways import find_ways


def dominators_of(size, pairs, seeds, scores=None):
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    links = make_links(pairs[:, 0], pairs[:, 1], np.ones(len(pairs), np.int64))
    graph = build_graph([f"{i:07d}" for i in range(size)], links)
    ways = find_ways(graph, seeds, np.ones(size, np.uint64) if scores is None else scores)
    found = find_dominators(graph.out, ways.start, ways.node, ways.order, ways.seeds)
    assert found.dtype == np.int32
    assert (found == ways.dominator).all()
    return found.tolist()


def those_of_networkx(size, pairs, seeds):
    """The same by Cooper, Harvey and Kennedy's algorithm, with the seeds as one account, -1."""
    graph = nx.DiGraph()
    graph.add_node(-1)
    graph.add_edges_from((-1 if a in seeds else a, b) for a, b in pairs if b not in seeds)
    found = nx.immediate_dominators(graph, -1)
    expected = [NOBODY] * size
    for account, dominator in found.items():
        if account != -1:
            expected[account] = dominator
    return expected


@st.composite
def graphs(draw):
    size = draw(st.integers(2, 14))
    account = st.integers(0, size - 1)
    pair = st.tuples(account, account).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(pair, unique=True, max_size=3 * size))
    seeds = draw(st.lists(account, min_size=1, max_size=3, unique=True))
    return size, pairs, seeds, draw(st.sets(account, max_size=2))


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_dominators_are_those_that_networkx_finds(case):
    size, pairs, seeds, without_score = case
    scores = np.array([v not in without_score for v in range(size)], np.uint64)
    carrying = [(a, b) for a, b in pairs if {a, b} <= (set(range(size)) - without_score) | {*seeds}]
    found = dominators_of(size, pairs, seeds, scores)
    assert found == those_of_networkx(size, carrying, seeds)


@pytest.mark.parametrize("density", [1.5, 3, 8])
def test_dominators_of_larger_graphs_are_those_that_networkx_finds(density):
    random = np.random.default_rng(int(density * 10))
    size = 3_000
    pairs = random.integers(0, size, (int(density * size), 2))
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    dominated = 0
    for seeds in ([0, 1], list(range(0, size, 100))):
        found = dominators_of(size, pairs, seeds)
        assert found == those_of_networkx(size, pairs.tolist(), seeds)
        dominated += size - found.count(NOBODY)
    assert dominated > (500 if density < 8 else 0)


SIZE = 100_000
CHAIN = [(v, v + 1) for v in range(SIZE - 1)]
PREVIOUS = [NOBODY, NOBODY, *range(1, SIZE - 1)]


def test_a_long_chain_is_dominated_link_by_link():
    assert dominators_of(SIZE, CHAIN, [0]) == PREVIOUS


def test_rating_back_along_a_long_chain_changes_nothing_and_takes_no_longer():
    back = [(v, v // 2) for v in range(3, SIZE)] + [(SIZE - 1, v) for v in range(1, SIZE - 2)]
    pairs = sorted({*CHAIN, *back})
    dominators_of(2, [(0, 1)], [0])  # compiled
    begun = time.process_time()
    assert dominators_of(SIZE, pairs, [0]) == PREVIOUS
    assert time.process_time() - begun < 10  # building the graph takes most of one second


def test_steps_of_two_beside_a_long_chain_leave_nobody_alone():
    skipping = [(v, v + 2) for v in range(SIZE - 2)]
    assert set(dominators_of(SIZE, CHAIN + skipping, [0])) == {NOBODY}


def test_a_cycle_is_dominated_from_each_seed_to_the_next():
    found = dominators_of(1_000, [(v, (v + 1) % 1_000) for v in range(1_000)], [0, 500])
    expected = [v - 1 for v in range(1_000)]
    for seed in (0, 500):
        expected[seed] = expected[seed + 1] = NOBODY
    assert found == expected


def test_all_who_rate_each_other_behind_one_account_have_it_as_their_dominator():
    region = range(2, 302)
    pairs = [(0, 1), (1, 9)] + [(a, b) for a in region for b in region if a != b]
    found = dominators_of(302, pairs, [0])
    assert found == [NOBODY, NOBODY, *(1 if v == 9 else 9 for v in region)]


def test_a_graph_without_a_link_has_no_dominators():
    assert dominators_of(3, [], [1]) == [NOBODY] * 3
