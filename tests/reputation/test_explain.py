"""Why a score is what it is: against every path that there is, in small graphs."""

from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation import strongest_paths as search
from chainrep.reputation.distrust import warnings_against
from chainrep.reputation.explain import explain, found_accounts
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.pagerank import steps_of
from chainrep.reputation.public_score import score_accounts
from chainrep.reputation.strongest_paths import strongest_paths
from chainrep.reputation.units import UNIT, WHOLE

SIZE = 6
NAMES = [f"a{i:02}" for i in range(40)]
PAIRS = [(u, v) for u in range(SIZE) for v in range(SIZE) if u != v]
edge_weights = st.dictionaries(st.sampled_from(PAIRS), st.integers(1, 1_000), max_size=18)
seed_sets = st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=3)
stops = st.integers(1, WHOLE - 1)


def graph_from(trusted, warned=None, size=SIZE):
    def links(edges):
        pairs = np.array(list(edges), np.int64).reshape(-1, 2)
        return make_links(pairs[:, 0], pairs[:, 1], np.array(list(edges.values()), np.int64))

    return build_graph(NAMES[:size], links(trusted), links(warned or {}))


def all_paths(edges, seeds, account, stop, size=SIZE):
    """Every path without a cycle and its exact share, strongest first."""
    total = {u: sum(w for (a, _), w in edges.items() if a == u) for u in range(size)}
    found = []
    others = [u for u in range(size) if u != account]
    for length in range(size):
        for before in permutations(others, length):
            path = (*before, account)
            hops = list(pairwise(path))
            if path[0] in seeds and all(hop in edges for hop in hops):
                share = Fraction(1, len(seeds))
                for u, v in hops:
                    share *= Fraction(WHOLE - stop, WHOLE) * Fraction(edges[u, v], total[u])
                if share:
                    found.append((path, share))
    return sorted(found, key=lambda each: -each[1])


@settings(deadline=None, max_examples=60)
@given(edge_weights, seed_sets, stops, st.integers(0, SIZE - 1), st.integers(1, 12))
def test_the_strongest_paths_are_those_that_a_search_of_all_paths_finds(
    edges, seeds, stop, account, count
):
    expected = all_paths(edges, seeds, account, stop)
    found = strongest_paths(graph_from(edges), sorted(seeds), account, stop, count)
    assert found.complete
    shares = [share for _, share in expected[:count]]
    assert [path.share for path in found.paths] == pytest.approx([float(s) for s in shares])
    exact = dict(expected)
    for path in found.paths:
        assert path.share == pytest.approx(float(exact[path.nodes]))
    assert len({path.nodes for path in found.paths}) == len(found.paths)


@settings(deadline=None, max_examples=60)
@given(edge_weights, edge_weights, seed_sets, stops)
def test_what_paths_vouchers_and_warnings_bring_adds_up_to_the_score(edges, warned, seeds, stop):
    warned = {pair: weight for pair, weight in warned.items() if pair not in edges}
    graph = graph_from(edges, warned)
    reputation = score_accounts(graph, Formula(tuple(NAMES[s] for s in sorted(seeds)), stop))
    lost = warnings_against(graph, reputation.bounded.scores)
    for v in range(SIZE):
        told = explain(reputation, NAMES[v], count=1_000)
        rounded = 40 * (1 + len(told.paths))  # each floor on the way loses a few units
        assert sum(path.worth for path in told.paths) <= told.flowed + rounded
        start = UNIT // len(seeds) if v in seeds else 0
        brought = start * stop // WHOLE + sum(voice.worth for voice in told.vouchers)
        # The last step keeps all that arrives, so the two differ by what is left over then.
        left = (UNIT * (WHOLE - stop) ** steps_of(SIZE)) // WHOLE ** steps_of(SIZE)
        assert abs(brought - told.flowed) <= left + 10_000
        assert sum(voice.worth for voice in told.warners) == lost[v]
        assert told.score == told.flowed - told.cut - told.warned
        assert told.warned == min(told.flowed - told.cut, lost[v])
        assert told.seed == (v in seeds)


def test_an_explanation_names_paths_vouchers_and_warners_in_order():
    edges = {(0, 1): 3, (0, 2): 1, (1, 3): 1, (2, 3): 1, (1, 0): 1}
    warned = {(1, 2): 100, (2, 4): 5, (4, 3): 9}
    told = explain(score_accounts(graph_from(edges, warned), Formula(("a00",), WHOLE // 2)), "a03")
    assert [list(path.accounts) for path in told.paths] == [
        ["a00", "a01", "a03"],
        ["a00", "a02", "a03"],
    ]
    assert told.paths[0].worth == UNIT * 3 // 64
    assert [voice.account for voice in told.vouchers] == ["a01", "a02"]
    assert (told.voucher_count, told.seed, told.complete) == (2, False, True)
    assert [(voice.account, voice.worth) for voice in told.warners] == [("a04", 0)]
    other = explain(score_accounts(graph_from(edges, warned), Formula(("a00",), WHOLE // 2)), "a02")
    assert other.warned > 0
    assert (other.flowed, other.cut) == (other.score + other.warned, 0)
    nobody = explain(
        score_accounts(graph_from(edges, warned), Formula(("a00",), WHOLE // 2)), "a04"
    )
    assert (nobody.score, nobody.rank, nobody.paths, nobody.vouchers) == (0, 0, [], [])


def test_a_bottleneck_is_named_with_what_it_cost_and_who_is_behind_it():
    edges = {(0, u): 100 for u in (1, 2, 3)} | {(1, 2): 9, (1, 3): 9, (2, 3): 9}
    edges |= {(3, 4): 1_000, (4, 5): 1_000}
    reputation = score_accounts(graph_from(edges), Formula(("a00",), WHOLE // 2))
    told = explain(reputation, "a04")
    assert told.bottleneck == ["a03"]
    assert told.cut == told.flowed - told.score > 0
    free = explain(reputation, "a02")
    assert (free.cut, free.bottleneck) == (0, [])
    assert {3, 4} <= found_accounts(reputation)
    assert not found_accounts(reputation) & {0, 1, 2}


def test_ranks_begin_with_one_and_leave_out_who_has_no_score():
    edges = {(0, 1): 3, (0, 2): 1, (1, 3): 1}
    formula = Formula(("a00",), WHOLE // 2, caps=(WHOLE,))  # no bottleneck costs anything
    reputation = score_accounts(graph_from(edges), formula)
    ranks = {name: explain(reputation, name) for name in NAMES[:SIZE]}
    assert [ranks[name].rank for name in NAMES[:SIZE]] == [1, 2, 4, 3, 0, 0]
    assert {told.ranked for told in ranks.values()} == {4}


def test_paths_longer_than_trust_goes_bring_nothing():
    edges = {(i, i + 1): 1 for i in range(39)}
    graph = graph_from(edges, size=40)
    reputation = score_accounts(graph, Formula(("a00",), WHOLE // 2))
    last = steps_of(40)
    told = explain(reputation, NAMES[last])
    assert [len(path.accounts) for path in told.paths] == [last + 1]
    assert told.paths[0].worth == told.flowed > 0
    beyond = explain(reputation, NAMES[last + 1])
    assert (beyond.flowed, beyond.paths) == (0, [])


def test_a_search_that_takes_too_long_says_that_it_is_not_complete(monkeypatch):
    edges = {(u, v): 1 for u in range(20) for v in range(20) if u != v}
    graph = graph_from(edges, size=20)
    found = strongest_paths(graph, [0], 19, WHOLE // 2, 30)
    assert found.complete
    assert len(found.paths) == 30
    monkeypatch.setattr(search, "MAX_LOOKS", 10)
    cut = strongest_paths(graph, [0], 19, WHOLE // 2, 30)
    assert not cut.complete
    assert cut.paths == found.paths[: len(cut.paths)]


def test_an_account_that_nobody_knows_is_a_mistake():
    reputation = score_accounts(graph_from({(0, 1): 1}), Formula(("a00",), WHOLE // 2))
    with pytest.raises(InputError, match="'zed' is not in the graph"):
        explain(reputation, "zed")
