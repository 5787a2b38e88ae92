import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation import vertex_cut
from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.vertex_cut import find_widths, nearest_cut
from chainrep.reputation.ways import find_ways

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
    for limit in (0, 6):
        with pytest.raises(InputError, match=r"1\.\.5"):
            find_widths(ways, limit)
        with pytest.raises(InputError, match=r"1\.\.5"):
            nearest_cut(ways, 1, limit)
    with pytest.raises(InputError):
        find_ways(graph_of(2, [(0, 1)]), [0], ones(3))


def test_the_cut_of_an_account_that_is_not_there_cannot_be_asked_for():
    ways = find_ways(graph_of(2, [(0, 1)]), [0], ones(2))
    for account in (-1, 2):
        with pytest.raises(InputError):
            nearest_cut(ways, account, 5)


def hostile(entries: int, many: int) -> Graph:
    """Made to be slow: each of ``many`` accounts is one more than ``entries`` wide.

    Their raters are the entries, then the far end of a region of ``many`` accounts wholly behind
    the entries, then somebody farther away. So a search for one more path reads the whole region,
    fails there, and finds it in the end: for each of them again.
    """
    honest = list(range(1, 2 * entries, 2))
    entry, at = [h + 1 for h in honest], 2 * entries + 1
    gates, at = list(range(at, at + entries)), at + entries
    way, at = list(range(at, at + 10)), at + 10
    far, at = at, at + 1
    region, sybils = np.arange(at, at + many), np.arange(at + many, at + 2 * many)
    pairs = [(0, h) for h in honest] + list(zip(honest, entry, strict=True))
    pairs += [*zip(entry, gates, strict=True), (0, way[0]), *pairwise(way)]
    columns = [np.array(pairs)]
    columns += [np.column_stack([np.full(many, gate), region]) for gate in gates]
    columns += [np.column_stack([region, np.full(many, far)])]
    columns += [np.column_stack([np.full(many, a), sybils]) for a in (*entry, far, way[-1])]
    rater, ratee = np.concatenate(columns).T
    links = make_links(rater, ratee, np.full(len(rater), 100))
    return build_graph([f"{i:07d}" for i in range(at + 2 * many)], links)


def test_a_graph_made_to_be_slow_does_not_make_cuts_of_one_account_slow():
    small, graph = hostile(1, 5), hostile(1, 40_000)
    find_widths(find_ways(small, [0], ones(small.size)), 1)  # compiled
    scores = public_scores(graph, [0], 2**15)
    begun = time.process_time()
    width = find_widths(find_ways(graph, [0], scores), 1)
    assert time.process_time() - begun < 5  # 40,000 times 40,000 links took 37 s
    assert width[-40_000:].min() == 2
    assert (width[-80_000:-40_000] == 1).all()


def test_searches_that_a_graph_makes_too_slow_are_given_up_with_a_reason(monkeypatch):
    ways = find_ways(hostile(2, 3_000), [0], ones(6_018))
    width = find_widths(ways, 2)
    assert width[-3_000:].min() == 3
    assert (width[-6_000:-3_000] == 2).all()
    monkeypatch.setattr(vertex_cut, "LEAST_ALLOWED", 2**21)
    monkeypatch.setattr(vertex_cut, "ALLOWED_PER_LINK", 0)
    with pytest.raises(InputError, match="2,097,152 links"):
        find_widths(ways, 2)
    assert find_widths(ways, 1)[-3_000:].min() == 2


def test_a_graph_of_more_accounts_than_searches_have_places_for_is_refused():
    ways = find_ways(graph_of(2, [(0, 1)]), [0], ones(2))
    large = replace(ways, start=np.broadcast_to(np.int64(0), 2**30 + 2))
    with pytest.raises(InputError, match="1,073,741,824"):
        find_widths(large, 2)
    with pytest.raises(InputError, match="1,073,741,824"):
        nearest_cut(large, 1, 2)
