from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.graph import NO_LINKS, build_graph, make_links
from chainrep.reputation.pagerank import public_scores, public_scores_of_many, steps_of
from chainrep.reputation.units import UNIT
from tests.reputation import plain_score
from tests.reputation.test_graph import links_of

PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1]),
    st.integers(1, 65_535),
    max_size=60,
)
NAMES = [f"a{i:02d}" for i in range(12)]
SEEDS = st.sets(st.integers(0, 11), min_size=1, max_size=5).map(sorted)
STOP = st.integers(1, 2**16)
PASSING = st.lists(st.integers(0, 2**16), min_size=12, max_size=12)


@settings(max_examples=200)
@given(PAIRS, SEEDS, STOP, PASSING)
def test_a_second_implementation_gives_the_same_bits(pairs, seeds, stop, passing):
    graph = build_graph(NAMES, links_of(pairs))
    found = public_scores(graph, seeds, stop, np.array(passing, np.uint32))
    assert found.tolist() == plain_score.flowed(12, pairs, seeds, stop, passing)


@settings(max_examples=30)
@given(PAIRS, st.lists(SEEDS, min_size=2, max_size=20), STOP, st.integers(1, 3))
def test_many_seed_sets_at_once_and_threads_change_no_bit(pairs, seed_sets, stop, threads):
    graph = build_graph(NAMES, links_of(pairs))
    together = public_scores_of_many(graph, seed_sets, stop, threads=threads)
    assert (together == [public_scores(graph, seeds, stop) for seeds in seed_sets]).all()


@given(PAIRS, SEEDS, STOP)
def test_no_trust_is_made_from_nothing(pairs, seeds, stop):
    assert public_scores(build_graph(NAMES, links_of(pairs)), seeds, stop).sum() <= UNIT


@settings(max_examples=100)
@given(PAIRS, SEEDS, st.sets(st.integers(0, 11), min_size=1, max_size=6))
def test_what_a_set_holds_came_in_over_its_entry_edges(pairs, seeds, members):
    """Trust in a set without seeds is at most what outsiders hand to it, whatever is inside."""
    members = members - set(seeds)
    outside = {
        pair: w for pair, w in pairs.items() if not (pair[0] in members and pair[1] in members)
    }
    inflow = {pair: w for pair, w in outside.items() if pair[0] not in members}
    cut = public_scores(build_graph(NAMES, links_of(inflow)), seeds, 2**15)
    whole = public_scores(build_graph(NAMES, links_of(pairs)), seeds, 2**15)
    back = any(a in members and b not in members for a, b in pairs)
    if not back:  # without a way back into the honest part its own trust is untouched
        for u in set(range(12)) - members:
            assert whole[u] == cut[u]
        # Each unit handed in stays once: it can stop in one place only, at twice the first stop.
        assert whole[list(members)].sum() <= 2 * cut[list(members)].sum() + 12


@settings(max_examples=60)
@given(PAIRS, SEEDS)
def test_it_is_the_truncated_personalized_pagerank(pairs, seeds):
    graph = build_graph(NAMES, links_of(pairs))
    dense = np.zeros((12, 12))
    for (u, v), w in pairs.items():
        dense[u, v] = w / graph.out.total[u]
    held = np.zeros(12)
    held[seeds] = 1 / len(seeds)
    score = np.zeros(12)
    for _ in range(steps_of(12)):
        score += held / 2
        held = held / 2 @ dense
    found = public_scores(graph, seeds) / UNIT
    assert np.abs(found - score - held).sum() < 1e-7


def test_an_account_that_trusts_nobody_gains_nothing_by_it():
    with_edge = build_graph(NAMES, make_links([0, 1], [1, 2], [9, 9]))
    without = build_graph(NAMES, make_links([0], [1], [9]))
    assert public_scores(with_edge, [0])[1] == public_scores(without, [0])[1]


def test_the_number_of_steps_is_the_logarithm_rounded_up_plus_four():
    assert [steps_of(n) for n in (1, 2, 3, 4, 5, 1024, 1025)] == [4, 5, 6, 6, 7, 14, 15]


@pytest.mark.parametrize(
    ("seeds", "says"), [([], "empty"), ([0, 0], "twice"), ([12], "not in the graph")]
)
def test_impossible_seed_sets_are_named(seeds, says):
    with pytest.raises(InputError, match=says):
        public_scores(build_graph(NAMES, NO_LINKS), seeds)


@pytest.mark.parametrize("stop", [0, 2**16 + 1])
def test_the_chance_to_stop_is_a_fraction(stop):
    with pytest.raises(InputError):
        public_scores(build_graph(NAMES, NO_LINKS), [0], stop)
