from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainrep.reputation.distrust import take_warnings, warnings_against
from chainrep.reputation.graph import build_graph, make_links
from tests.reputation import plain_score
from tests.reputation.test_graph import links_of
from tests.reputation.test_pagerank import NAMES, PAIRS

SCORES = st.lists(st.integers(0, 2**49), min_size=12, max_size=12)


@given(PAIRS, PAIRS, SCORES)
def test_a_second_implementation_gives_the_same_bits(trusted, warned, scores):
    graph = build_graph(NAMES, links_of(trusted), links_of(warned))
    found = take_warnings(graph, np.array(scores, np.uint64))
    assert found.tolist() == plain_score.less_warnings(trusted, warned, scores)


@given(PAIRS, PAIRS, SCORES, st.sets(st.integers(0, 11)))
def test_a_set_takes_away_no_more_than_it_has(trusted, warned, scores, slanderers):
    warned = {pair: w for pair, w in warned.items() if pair[0] in slanderers}
    graph = build_graph(NAMES, links_of(trusted), links_of(warned))
    lost = warnings_against(graph, np.array(scores, np.uint64))
    assert int(lost.sum()) <= sum(scores[u] for u in slanderers)


def test_a_warning_by_nobody_of_note_costs_nothing():
    graph = build_graph(NAMES, make_links([0], [1], [9]), make_links([5], [1], [65_535]))
    scores = np.array([9, 9, *[0] * 10], np.uint64)
    assert (take_warnings(graph, scores) == scores).all()
