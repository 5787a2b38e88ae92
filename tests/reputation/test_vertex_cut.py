from collections.abc import Sequence
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.vertex_cut import find_ways, find_widths, nearest_cut

Edges = list[tuple[int, int]]


def graph_of(size: int, edges: Edges) -> Graph:
    rater, ratee = zip(*edges, strict=True) if edges else ((), ())
    links = make_links(
        np.array(rater, np.int64), np.array(ratee, np.int64), np.ones(len(edges), np.int64)
    )
    return build_graph([f"{i:05d}" for i in range(size)], links)


def ones(size: int) -> np.ndarray:
    return np.ones(size, np.uint64)


def reached(edges: Edges, seeds: Sequence[int], without: Sequence[int]) -> set[int]:
    seen, todo = set(seeds), list(seeds)
    while todo:
        u = todo.pop()
        for a, b in edges:
            if a == u and b not in seen and b not in without:
                seen.add(b)
                todo.append(b)
    return seen


def smallest_cuts(size: int, edges: Edges, seeds: Sequence[int], v: int) -> list[tuple[int, ...]]:
    others = [u for u in range(size) if u != v and u not in seeds]
    for count in range(len(others) + 1):
        found = [c for c in combinations(others, count) if v not in reached(edges, seeds, c)]
        if found:
            return found
    return []


def behind(size: int, edges: Edges, v: int, cut: Sequence[int]) -> set[int]:
    """The accounts that reach v and not through the cut: fewest for the nearest of cuts."""
    turned = [(b, a) for a, b in edges]
    return reached(turned, [v], cut)


small_graphs = st.integers(3, 8).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
                lambda e: e[0] != e[1]
            ),
            unique=True,
            max_size=26,
        ),
        st.lists(st.integers(0, size - 1), min_size=1, max_size=2, unique=True),
        st.sets(st.integers(0, size - 1), max_size=1),
        st.integers(1, 5),
    )
)


@given(small_graphs)
@settings(max_examples=60, deadline=None)
def test_widths_and_nearest_cuts_are_those_found_by_trying_every_set_of_accounts(case):
    size, edges, seeds, unscored, limit = case
    scores = ones(size)
    scores[list(unscored)] = 0
    alive = [u for u in range(size) if scores[u] or u in seeds]
    links = [(a, b) for a, b in edges if a in alive and b in alive]
    ways = find_ways(graph_of(size, edges), seeds, scores)
    width = find_widths(ways, limit)
    everybody = reached(links, seeds, ())
    links = [(a, b) for a, b in links if a in everybody]
    for v in range(size):
        if v not in everybody:
            assert width[v] == 0
            continue
        cuts = [] if v in seeds else smallest_cuts(size, links, seeds, v)
        least = len(cuts[0]) if cuts else limit + 1
        assert width[v] == min(least, limit + 1)
        found = nearest_cut(ways, v, limit)
        if least > limit:
            assert found is None
        else:
            regions = {cut: behind(size, links, v, cut) for cut in cuts}
            assert found in regions
            assert all(regions[found] <= region for region in regions.values())


@pytest.mark.parametrize("density", [2, 4, 7])
def test_widths_equal_the_connectivity_that_networkx_finds(density):
    random = np.random.default_rng(density)
    size, seeds = 60, [0, 1]
    edges = sorted(
        {(int(a), int(b)) for a, b in random.integers(0, size, (size * density, 2)) if a != b}
    )
    width = find_widths(find_ways(graph_of(size, edges), seeds, ones(size)), 5)
    merged = nx.DiGraph((a if a > 1 else -1, b) for a, b in edges if b > 1)
    merged.add_node(-1)
    from_seed = nx.descendants(merged, -1)
    for v in range(2, size):
        if v not in from_seed:
            assert width[v] == 0
        elif merged.has_edge(-1, v):
            assert width[v] == 6
        else:
            assert width[v] == min(6, nx.node_connectivity(merged, -1, v))


@pytest.mark.parametrize("entries", [1, 2, 5, 6])
def test_nobody_behind_g_entries_is_wider_than_g_however_densely_they_rate_each_other(entries):
    honest, region = 40, 300
    random = np.random.default_rng(1)
    edges = [(a, b) for a in range(honest) for b in range(honest) if a != b]
    attackers = range(10, 10 + entries)
    first = honest
    edges += [(a, first + int(i)) for a in attackers for i in random.integers(0, region, 40)]
    edges += [(first + a, first + b) for a in range(region) for b in range(region) if a != b]
    ways = find_ways(graph_of(honest + region, sorted(set(edges))), [0], ones(honest + region))
    width = find_widths(ways, 5)
    assert set(width[first:].tolist()) == {entries}
    assert width[:honest].min() == 6
    expected = tuple(attackers) if entries <= 5 else None
    assert nearest_cut(ways, first + 7, 5) == expected


def test_a_seed_is_never_part_of_a_cut():
    ways = find_ways(graph_of(3, [(0, 1), (1, 2)]), [0, 1], ones(3))
    assert find_widths(ways, 5).tolist() == [6, 6, 6]
    assert nearest_cut(ways, 2, 5) is None


def test_a_cut_of_no_accounts_or_too_many_cannot_be_asked_for():
    ways = find_ways(graph_of(2, [(0, 1)]), [0], ones(2))
    for limit in (0, 17):
        with pytest.raises(InputError):
            find_widths(ways, limit)
    with pytest.raises(InputError):
        find_ways(graph_of(2, [(0, 1)]), [0], ones(3))


def test_the_cut_of_an_account_that_is_not_there_cannot_be_asked_for():
    ways = find_ways(graph_of(2, [(0, 1)]), [0], ones(2))
    for account in (-1, 2):
        with pytest.raises(InputError):
            nearest_cut(ways, account, 5)
